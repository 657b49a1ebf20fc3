/**
 * `npm run bench -- kernels`: processor milliseconds of a training step on wasm with our kernels, on stock wasm and on cpu, for three models. Each variant
 * runs in processes of its own; variants take turns, so that a machine that is busy for a while slows all of them.
 */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const VARIANTS = ["ours", "stock", "cpu"] as const;
type Variant = (typeof VARIANTS)[number];

/**
 * Turns that each variant gets. Its figure is the median step of its quickest turn, since other work on the machine only ever adds. The cpu
 * backend takes seconds a step, so that one turn is enough.
 */
const TURNS: Readonly<Record<Variant, number>> = { ours: 5, stock: 5, cpu: 1 };
/** Longest that one process may take. */
const TURN_LIMIT_MS = 180_000;

/** A model's figures. */
interface Row {
  readonly model: string;
  /** Processor milliseconds of a step, or null where the variant cannot run it. */
  readonly oursMs: number | null;
  readonly stockWasmMs: number | null;
  readonly cpuMs: number | null;
}

/** Runs the bench and prints its object as the last line. */
export async function run(): Promise<void> {
  console.error(`kernels: ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
  const seen = new Map<Variant, Map<string, number[]>>(VARIANTS.map((variant) => [variant, new Map()]));
  for (let turn = 1; turn <= Math.max(...Object.values(TURNS)); turn++)
    for (const variant of VARIANTS.filter((each) => turn <= TURNS[each])) {
      const steps = oneTurn(variant);
      console.error(`kernels: turn ${turn} of ${TURNS[variant]}, ${variant}: ${JSON.stringify(steps)}`);
      for (const [model, ms] of Object.entries(steps)) collect(seen.get(variant), model, ms);
    }
  const models = [...(seen.get("ours")?.keys() ?? [])];
  const rows = models.map((model): Row => {
    const of = (variant: Variant) => quickest(seen.get(variant)?.get(model) ?? []);
    return { model, oursMs: of("ours"), stockWasmMs: of("stock"), cpuMs: of("cpu") };
  });
  for (const { model, oursMs, stockWasmMs, cpuMs } of rows)
    console.error(`kernels: ${model}: ours ${oursMs} ms, stock ${ratio(stockWasmMs, oursMs)}, cpu ${ratio(cpuMs, oursMs)}`);
  console.log(JSON.stringify({ bench: "kernels", rows }));
}

/** Median step of each model in a fresh process. */
function oneTurn(variant: Variant): Record<string, number | null> {
  const program = fileURLToPath(new URL("./kernels-variant.js", import.meta.url));
  const output = execFileSync(process.execPath, [program, variant], {
    encoding: "utf8",
    timeout: TURN_LIMIT_MS,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const steps: unknown = JSON.parse(output.trim().split("\n").at(-1) ?? "");
  if (typeof steps !== "object" || steps === null)
    throw new Error(`kernels-variant ${variant} printed ${output}, expected an object`);
  return Object.fromEntries(Object.entries(steps).map(([model, ms]) => [model, typeof ms === "number" ? ms : null]));
}

function collect(into: Map<string, number[]> | undefined, model: string, ms: number | null): void {
  const list = into?.get(model) ?? [];
  if (ms !== null) list.push(ms);
  into?.set(model, list);
}

function quickest(turns: readonly number[]): number | null {
  return turns.length === 0 ? null : Number(Math.min(...turns).toFixed(2));
}

function ratio(ms: number | null, ours: number | null): string {
  return ms === null || ours === null ? "cannot run it" : `${ms} ms (${(ms / ours).toFixed(1)} times ours)`;
}
