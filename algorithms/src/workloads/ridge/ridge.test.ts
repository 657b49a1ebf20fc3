/** The rows of the workload are those of the closed form, in the same order. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { predict } from "../../data/ridge-problem.js";
import { chooseBackend } from "../../kernels/index.js";
import { modelKit } from "../../training/setup/trial-setup.js";
import { module, ridgeSplits } from "./ridge.js";
import { spec } from "./spec.js";

await chooseBackend("cpu");

it("gives the rows that the closed form was computed from", async () => {
  const options = spec.options.parse({ dimension: 3, testSize: 5 });
  const task = await module.open({ options, hyperparameters: {}, seed: 9, kit: modelKit });
  const { test } = ridgeSplits(options, createRng(9));
  tf.tidy(() => {
    const { inputs, targets } = task.batch("test", Int32Array.of(4, 0));
    const weights = tf.tensor2d([1, -2, 0.5], [3, 1]);
    const seen = tf.matMul(inputs, weights).dataSync();
    const expected = [4, 0].map((row) => predict(test.inputs, row, Float64Array.of(1, -2, 0.5)));
    // float32 of sums of three numbers of size 1
    for (const [i, value] of expected.entries()) assert.ok(Math.abs((seen[i] ?? 99) - value) < 1e-5);
    assert.deepEqual(
      [...targets.dataSync()],
      [4, 0].map((row) => Math.fround(test.targets[row] ?? 0)),
    );
  });
  task.close();
});

it("refuses options that make no problem", () => {
  assert.equal(spec.options.safeParse({ dimension: 0 }).success, false);
  assert.equal(spec.options.safeParse({ depth: 3 }).success, false);
});
