/**
 * `npm run chaos [-- --seed N] [--kills 10] [--victim coordinator|agent|trial] [--task digits|maid]`: kills each kind of process with -9 at
 * random moments of a running search, starts it again, and checks that each trial ended exactly once, that nothing that was heard of is lost, that the
 * search completed, and of `maid` that its steps are those of an undisturbed search to the last bit. Prints one JSON object as its last line and exits with 1 where a promise was broken.
 */
import { parseArgs } from "node:util";
import { runMaidSearch } from "../cluster/maid-search.js";
import { chaosRound, type Victim, victims } from "./round.js";
import { chaosTasks, documentOf } from "./tasks.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    kills: { type: "string", default: "10" },
    victim: { type: "string" },
    task: { type: "string", default: "digits" },
  },
});
const seed = Number(values.seed);
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
