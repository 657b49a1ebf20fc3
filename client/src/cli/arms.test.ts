/** What arms came to, in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleSearch } from "../testing/sample-search.js";
import { armPairs } from "./words.js";

test("the gain over the control arm, the loss of replaying and what another arm gains are told, whichever way is better", () => {
  const { search } = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 10 });
  const arm = (name: string, bestValue: number | undefined, deviation?: number) => {
    return { name, trials: 2, steps: 2000, bestTrial: 1, bestValue, deviation };
  };
  const arms = [arm("", 0.2), arm("control", 0.25, 0.01), arm("replay", 0.21)];
  assert.deepEqual(armPairs({ ...search, arms }), [
    ["own trials", "2 trials, 2,000 steps, best validLoss 0.2 (trial 1)"],
    [
      "control arm",
      "2 trials, 2,000 steps, best validLoss 0.25 (trial 1): the strategy is 20.0 % better than random search (its trials vary by ± 4.00 %)",
    ],
    [
      "replays",
      "2 trials, 2,000 steps, best validLoss 0.21 (trial 1): replaying the schedule loses 5.00 % (fewer than two of its trials ended: this may be luck)",
    ],
  ]);
  const [, combine] = armPairs({ ...search, arms: [arm("", 0.2), arm("combine", 0.15)] });
  assert.deepEqual(combine, [
    "arm combine",
    "2 trials, 2,000 steps, best validLoss 0.15 (trial 1): 25.0 % better than the own trials",
  ]);
  const upwards = { metric: "accuracy", direction: "DIRECTION_MAXIMIZE" as const };
  const spec = search.spec && { ...search.spec, objectives: [upwards] };
  const [, control, replays] = armPairs({ ...search, spec, arms });
  assert.match(control?.[1] ?? "", /20\.0 % worse than random search/);
  assert.match(replays?.[1] ?? "", /gains 5\.00 %/);
  assert.match(armPairs({ ...search, arms: [arm("control", undefined)] })[0]?.[1] ?? "", /nothing measured yet/);
  assert.deepEqual(armPairs(search), []);
});
