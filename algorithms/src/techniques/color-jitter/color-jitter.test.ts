/** Shifts and factors read back from images, within each example's own strengths. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./color-jitter.js";

await chooseBackend("cpu");

const batch = 400;
/** Mean 3 and two values about it. */
const images = () => tf.tile(tf.tensor4d([2, 4], [1, 1, 2, 1]), [batch, 1, 1, 1]);

for (const seed of [1, 2, 3])
  it(`shifts by up to the brightness and spreads by up to the contrast, seed ${seed}`, () => {
    tf.tidy(() => {
      const own = Array.from({ length: batch }, (_, row) => (row < 10 ? 0 : 0.4));
      const pass = passOf(module.create({}), batch, { brightness: own, contrast: [0.5] }, seed);
      const pixels = pass.inputs(images()).dataSync();
      const pairs = Array.from({ length: batch }, (_, row) => [pixels[2 * row] ?? 0, pixels[2 * row + 1] ?? 0] as const);
      const shifts = pairs.map(([low, high]) => (low + high) / 2 - 3);
      const factors = pairs.map(([low, high]) => (high - low) / 2 - 1);
      // float32 of numbers up to 4.
      assert.ok(shifts.slice(0, 10).every((shift) => Math.abs(shift) < 1e-5));
      for (const [drawn, most] of [
        [shifts.slice(10), 0.4],
        [factors, 0.5],
      ] as const) {
        assert.ok(drawn.every((value) => Math.abs(value) <= most + 1e-5));
        // A uniform number on [-most, most]: mean 0, variance most^2 / 3; four standard errors.
        const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
        assert.ok(Math.abs(mean) < (4 * most) / Math.sqrt(3 * drawn.length), `${mean}`);
        assert.ok(Math.max(...drawn) > 0.95 * most && Math.min(...drawn) < -0.95 * most);
      }
      const product = shifts.reduce((sum, shift, row) => sum + shift * (factors[row] ?? 0), 0) / batch;
      // Independent draws: their product has mean 0 and deviation 0.4 * 0.5 / 3; four standard errors.
      assert.ok(Math.abs(product) < (4 * 0.4 * 0.5) / (3 * Math.sqrt(batch)), "the two are drawn apart");
    });
  });

it("does nothing at strength 0, and refuses what is not an image", () => {
  tf.tidy(() => {
    const pass = passOf(module.create({}), batch, { brightness: [0], contrast: [0] });
    const given = images();
    assert.equal(pass.inputs(given), given);
    assert.throws(() => pass.inputs(tf.zeros([batch, 5])), TrialFailure);
  });
});
