/** Smoothed targets by hand, and targets that can't be smoothed. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./label-smoothing.js";

await chooseBackend("cpu");

it("gives its share to all classes alike, and refuses numbers to regress on", () => {
  const pass = passOf(module.create({}), 2, { labelSmoothing: [0, 0.2] });
  tf.tidy(() => {
    const y = pass.targets(tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0], [2, 4])).dataSync();
    // float32
    for (const [i, value] of [1, 0, 0, 0, 0.05, 0.85, 0.05, 0.05].entries()) assert.ok(Math.abs((y[i] ?? 9) - value) < 1e-6);
    assert.throws(() => pass.targets(tf.zeros([2, 1])), TrialFailure);
    const sequence = pass.targets(tf.tensor3d([1, 0, 0, 1, 1, 0, 0, 1], [2, 2, 2])).dataSync();
    for (const [i, value] of [1, 0, 0, 1, 0.9, 0.1, 0.1, 0.9].entries()) assert.ok(Math.abs((sequence[i] ?? 9) - value) < 1e-6);
  });
});
