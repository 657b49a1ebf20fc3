/**
 * `npm run bench -- NAME`: runs one measurement, which prints one JSON object as its last line. Its progress goes to stderr.
 */
import { endWithReader } from "./end-with-reader.js";

/** The measurements, each a module here that exports `run(args)`. */
const BENCHES = ["damage", "denoising", "dispatch", "hostile", "kernels", "maid-agents", "recovery", "self-tuning"];

/** What a measurement's module exports. */
interface Bench {
  /** Runs it with the arguments that stand behind its name. */
  run(args: readonly string[]): Promise<void>;
}

endWithReader();
const [name, ...args] = process.argv.slice(2);
if (name === undefined || !BENCHES.includes(name)) {
  console.error(`bench: saw ${name ?? "no name"}, expected one of ${BENCHES.join(", ")}: npm run bench -- kernels`);
  process.exit(2);
}
const bench: unknown = await import(`./${name}.js`);
if (!isBench(bench)) {
  console.error(`bench: ${name}.js does not export run(args)`);
  process.exit(1);
}
await bench.run(args);

function isBench(module: unknown): module is Bench {
  return typeof module === "object" && module !== null && "run" in module && typeof module.run === "function";
}
