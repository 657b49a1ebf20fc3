/**
 * `npm run bench -- damage [--count N]`: seeded flips, cuts, zeroed pages, excised ranges and deletions, one each in a copy of a log that was killed and
 * of one that was closed, over the database, its write-ahead log, the witness and the marker. Each is detected, harmless, or silent: an
 * acknowledged fact is gone and nobody is told.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type DamageTrial, tryDamage, writeLog } from "@regulus/coordinator/simulation";
import { scratch } from "@regulus/test/cluster";

const usualCount = 10_000;

/** Runs the bench and prints its object as the last line. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { count: { type: "string" } } });
  const count = Number(values.count ?? usualCount);
  const folder = scratch("bench-damage");
  try {
    const wholes = (["killed", "closed"] as const).map((ending) => writeLog(join(folder.path, ending), ending));
    const trials: DamageTrial[] = [];
    for (let seed = 0; seed < count; seed += 1) {
      const whole = wholes[seed % wholes.length];
      if (whole === undefined) throw new Error("there are logs to damage");
      const trial = await tryDamage(whole, join(folder.path, "scratch"), seed);
      trials.push(trial);
      if (trial.verdict === "silent") console.error(`damage: seed ${seed}: ${trial.fault}: ${trial.detail}`);
      if (trials.length % 1000 === 0) console.error(`damage: ${trials.length} of ${count}`);
    }
    for (const kind of ["flip", "cut", "zero", "excise", "delete"]) {
      console.error(`damage: ${kind}: ${JSON.stringify(countsOf(trials.filter(({ fault }) => fault.startsWith(kind))))}`);
    }
    console.log(JSON.stringify({ bench: "damage", faults: trials.length, ...countsOf(trials) }));
  } finally {
    folder.remove();
  }
}

function countsOf(trials: readonly DamageTrial[]): Record<DamageTrial["verdict"], number> {
  const counts = { detected: 0, harmless: 0, silent: 0 };
  for (const { verdict } of trials) counts[verdict] += 1;
  return counts;
}
