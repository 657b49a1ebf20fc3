/** Chaos in small, at every run of the tests: each kind of process is killed with -9 in the middle of a search. `npm run chaos` is the whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpointChaos } from "./checkpoints.js";
import { chaosRound, victims } from "./round.js";

for (const victim of victims) {
  test(`kill -9 of a ${victim} in the middle of a search loses and doubles nothing`, async () => {
    const lines: string[] = [];
    const { violations, kills } = await chaosRound({
      victim,
      kills: 2,
      seed: 11,
      task: "idle steps",
      say: (text) => lines.push(text),
    });
    assert.deepEqual(violations, [], lines.join("\n"));
    assert.equal(kills, 2);
  });
}

test("programs that announce each step twice lose no checkpoint and never begin again, whatever is killed", async () => {
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const { violations, fetched } = await checkpointChaos({ trials: 12, seed: 3, timeoutMs: 10 * 60_000, say });
  assert.deepEqual(violations, [], lines.join("\n"));
  assert.equal(fetched, 24);
});
