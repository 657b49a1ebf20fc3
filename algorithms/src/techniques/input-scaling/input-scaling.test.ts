/** The range and the mean of the factors. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./input-scaling.js";

await chooseBackend("cpu");

const batch = 500;
for (const seed of [1, 2, 3])
  it(`multiplies each example by one number between 1/(1 + v) and 1 + v, seed ${seed}`, () => {
    tf.tidy(() => {
      const v = 0.3;
      const strengths = Array.from({ length: batch }, (_, row) => (row < 10 ? 0 : v));
      const pass = passOf(module.create({}), batch, { inputScaling: strengths }, seed);
      const seen = pass.inputs(tf.tile(tf.tensor3d([1, -2], [1, 1, 2]), [batch, 2, 1])).dataSync();
      const factors = Array.from({ length: batch }, (_, row) => seen[4 * row] ?? 9);
      for (const [row, factor] of factors.entries()) {
        assert.deepEqual([...seen.slice(4 * row, 4 * row + 4)], [factor, -2 * factor, factor, -2 * factor], "one for all inputs");
        if (row < 10) assert.equal(factor, 1);
        // float32
        else assert.ok(factor >= 1 / (1 + v) - 1e-6 && factor <= 1 + v + 1e-6);
      }
      const mean = factors.slice(10).reduce((sum, factor) => sum + factor, 0) / (batch - 10);
      const [low, high] = [1 / (1 + v), 1 + v];
      // A uniform number; four standard errors.
      assert.ok(Math.abs(mean - (low + high) / 2) < (4 * (high - low)) / Math.sqrt(12 * (batch - 10)), `${mean}`);
    });
  });

it("does nothing at 0, and refuses tokens", () => {
  tf.tidy(() => {
    const inputs = tf.ones([2, 3]);
    assert.equal(passOf(module.create({}), 2, { inputScaling: [0] }).inputs(inputs), inputs);
    assert.throws(() => passOf(module.create({}), 2, { inputScaling: [0.1] }).inputs(tf.zeros([2, 3], "int32")), TrialFailure);
  });
});
