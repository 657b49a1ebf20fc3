/** Folds part the images, and MAID lowers the certified validation loss of many penalties at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { maid } from "../../solvers/maid/maid.js";
import { maidOptions } from "../../solvers/maid/options.js";
import { module } from "./mnist-logistic.js";
import { spec } from "./spec.js";

const open = (options: object, seed = 1) => module.respond({ options: spec.options.parse(options), hyperparameters: {}, seed });

test("folds judge different images, and a sample is the same whenever it is made", () => {
  const task = open({ folds: 3, size: 60, side: 4 });
  const weights = new Float64Array(170).map((_, j) => Math.sin(j));
  const losses = [2, 0, 1, 2].map((index) => task.sample(index).upper.value(weights));
  assert.equal(losses[0], losses[3]);
  assert.equal(new Set(losses).size, 3);
  const trained = [0, 1].map((index) => task.sample(index).lower.value(weights, task.theta));
  assert.notEqual(trained[0], trained[1]);
});

test("MAID lowers the validation loss by a certified amount", () => {
  for (const seed of [1, 2, 3]) {
    const task = open({ size: 100, side: 4 }, seed);
    const samples = [task.sample(0)];
    const state = maid.init(maidOptions.parse({ steps: 6, stepLength: 1 }), { theta: [...task.theta], samples: 1 });
    const losses: number[] = [];
    driveLocally(maid, state, {
      samples,
      onRecord({ accepted, metrics }) {
        if (accepted) losses.push(metrics.upperBound ?? 0);
        assert.ok((metrics.testError ?? 1) <= 1 && (metrics.validError ?? -1) >= 0);
        return false;
      },
    });
    assert.equal(state.step, 6, state.finished?.message);
    for (const [k, loss] of losses.entries()) assert.ok(k === 0 || loss <= (losses[k - 1] ?? 0));
    assert.ok((losses.at(-1) ?? 9) < Math.log(10), "better than chance");
  }
});
