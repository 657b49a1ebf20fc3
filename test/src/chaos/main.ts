/**
 * `npm run chaos [-- --seed N] [--kills 10] [--victim coordinator|agent|trial]`: kills each kind of process with -9 at random moments of a running
 * search of real training, starts it again, and checks that each trial ended exactly once, that nothing that was heard of is lost, and that
 * the search completed. Prints one JSON object as its last line and exits with 1 where a promise was broken.
 */
import { parseArgs } from "node:util";
import { chaosRound, type Victim, victims } from "./round.js";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, kills: { type: "string", default: "10" }, victim: { type: "string" } },
});
const seed = Number(values.seed);
const kills = Number(values.kills);
const chosen = victims.filter((victim) => values.victim === undefined || victim === values.victim);
if (!Number.isInteger(seed) || !Number.isInteger(kills) || kills < 1 || chosen.length === 0) {
  console.error(
    `chaos: saw --seed ${values.seed} --kills ${values.kills} --victim ${values.victim}, expected whole numbers and one of ${victims}`,
  );
  process.exit(2);
}

const rounds: Awaited<ReturnType<typeof chaosRound>>[] = [];
for (const victim of chosen satisfies readonly Victim[]) {
  console.error(`chaos: ${kills} times kill -9 of a ${victim}`);
  rounds.push(await chaosRound({ victim, kills, seed, task: "digits", say: (text) => console.error(`  ${text}`) }));
}
console.log(JSON.stringify({ chaos: "kill -9", seed, rounds }));
process.exit(rounds.every((round) => round.violations.length === 0) ? 0 : 1);
