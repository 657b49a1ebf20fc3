/**
 * `npm run chaos [-- --seed N] [--kills 10] [--victim coordinator|agent|trial] [--task digits|maid]`: kills each kind of process with -9 at
 * random moments of a running search, starts it again, and checks that each trial ended exactly once, that nothing that was heard of is lost, that the
 * search completed, and of `maid` that its steps are those of an undisturbed search to the last bit.
 * `npm run chaos -- --task checkpoints [--trials 1000]` kills until the search has ended, and looks into every checkpoint (`checkpoints.ts`). Prints one JSON object as its last line and exits with 1 where a promise was broken.
 */
import { parseArgs } from "node:util";
import { runMaidSearch } from "../cluster/maid-search.js";
import { checkpointChaos } from "./checkpoints.js";
import { chaosRound, type Victim, victims } from "./round.js";
import { chaosTasks, documentOf } from "./tasks.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    kills: { type: "string", default: "10" },
    victim: { type: "string" },
    task: { type: "string", default: "digits" },
    trials: { type: "string", default: "1000" },
  },
});
const seed = Number(values.seed);
if (values.task === "checkpoints") {
  const trials = Number(values.trials);
  if (!Number.isInteger(trials) || trials < 1 || !Number.isInteger(seed)) {
    console.error(`chaos: saw --trials ${values.trials} --seed ${values.seed}, expected whole numbers`);
    process.exit(2);
  }
  // A slow machine takes some seconds a trial; beyond that the search hangs.
  const timeoutMs = 120_000 + trials * 5000;
  const result = await checkpointChaos({ trials, seed, timeoutMs, say: (text) => console.error(`  ${text}`) });
  for (const one of result.violations.slice(0, 20)) console.error(`  ${one}`);
  console.log(JSON.stringify({ chaos: "kill -9", task: "checkpoints", seed, ...result }));
  process.exit(result.violations.length === 0 ? 0 : 1);
}
const kills = Number(values.kills);
const task = chaosTasks.find((one) => one === values.task);
const chosen = victims.filter((victim) => values.victim === undefined || victim === values.victim);
if (!Number.isInteger(seed) || !Number.isInteger(kills) || kills < 1 || chosen.length === 0 || task === undefined) {
  console.error(
    `chaos: saw --seed ${values.seed} --kills ${values.kills} --victim ${values.victim} --task ${values.task}, expected whole numbers, one of ${victims} and one of ${chaosTasks}`,
  );
  process.exit(2);
}

const undisturbed = task === "maid" ? await runMaidSearch({ agents: 2, document: documentOf(task, seed) }) : undefined;
const expected = undisturbed && { expectedSteps: undisturbed.steps };
const rounds: Awaited<ReturnType<typeof chaosRound>>[] = [];
for (const victim of chosen satisfies readonly Victim[]) {
  console.error(`chaos: ${kills} times kill -9 of a ${victim}`);
  rounds.push(await chaosRound({ victim, kills, seed, task, ...expected, say: (text) => console.error(`  ${text}`) }));
}
console.log(JSON.stringify({ chaos: "kill -9", task, seed, rounds }));
process.exit(rounds.every((round) => round.violations.length === 0) ? 0 : 1);
