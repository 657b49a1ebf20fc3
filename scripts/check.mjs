// One command that checks everything quick and then runs the tests: generated code is current, the contract breaks nobody, lint and
// format, types, structure, tests. `npm run check -- --fast` leaves the tests out.
import { spawnSync } from "node:child_process";

const fast = process.argv.includes("--fast");
const steps = [
  ["generated code is current", "node", ["scripts/generate.mjs", "--check"]],
  ["contract: lint", "npx", ["--no-install", "buf", "lint", "proto"]],
  ["contract: breaks nobody", "npx", ["--no-install", "buf", "breaking", "proto", "--against", "proto/released/v1.binpb"]],
  ["lint and format", "npx", ["--no-install", "biome", "ci", "."]],
  ["types", "npx", ["--no-install", "tsc", "-b"]],
  ...(fast ? [] : [["tests", "node", ["scripts/test.mjs"]]]),
];

for (const [name, command, args] of steps) {
  const began = performance.now();
  const result = spawnSync(command, args, { stdio: "inherit" });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (result.status !== 0) {
    console.error(`check: ${name}: failed after ${seconds} s (${command} ${args.join(" ")})`);
    process.exit(1);
  }
  console.error(`check: ${name}: good, ${seconds} s`);
}
