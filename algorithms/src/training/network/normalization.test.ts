/** Means and variances after normalizing, independence of other examples, and gradients on wasm against cpu's and finite differences. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../../kernels/against-cpu.js";
import { derivativeGaps } from "../../kernels/gradients/finite-differences.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../contracts/procedure.js";
import { groupNormalized, layerNormalized } from "./normalization.js";

await chooseBackend("wasm");

const images = (seed: number) => tf.add(tf.mul(tf.randomNormal([3, 4, 5, 6], 0, 1, "float32", seed), 3), 2);
const kinds: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  layer: layerNormalized,
  "one group": (x) => groupNormalized(x, 1),
  "three groups": (x) => groupNormalized(x, 3),
};

/** Groups of numbers that ought to have mean 0 and variance 1, [groups, numbers]. */
const groupsOf: Record<string, (y: tf.Tensor) => tf.Tensor> = {
  layer: (y) => tf.reshape(y, [60, 6]),
  "one group": (y) => tf.reshape(y, [3, 120]),
  "three groups": (y) => tf.reshape(tf.transpose(tf.reshape(y, [3, 20, 3, 2]), [0, 2, 1, 3]), [9, 40]),
};

for (const [name, normalize] of Object.entries(kinds)) {
  it(`${name}: mean 0, variance 1, whatever the scale, and nothing of other examples`, () => {
    tf.tidy(() => {
      const x = images(1);
      const y = normalize(x);
      const { mean, variance } = tf.moments(groupsOf[name]?.(y) ?? y, 1);
      // float32 sums; the floor of 1e-5 under variances of 9, and of 0.1 or more for six numbers.
      assert.ok((tf.max(tf.abs(mean)).dataSync()[0] ?? 1) < 1e-5);
      assert.ok((tf.max(tf.abs(tf.sub(variance, 1))).dataSync()[0] ?? 1) < 1e-4);
      assert.ok(relativeGap(normalize(tf.mul(x, 100)).dataSync(), y.dataSync()) < 1e-4);
      const first = [1, 4, 5, 6];
      assert.deepEqual(normalize(tf.slice(x, [0, 0, 0, 0], first)).dataSync(), tf.slice(y, [0, 0, 0, 0], first).dataSync());
    });
  });

  it(`${name}: cpu's gradient on wasm, and that of finite differences in both orders`, async () => {
    const weighted = (x: tf.Tensor) => tf.sum(tf.mul(tf.square(normalize(x)), tf.randomNormal(x.shape, 0, 1, "float32", 7)));
    const { wasm, cpu } = await onBoth(() => tf.grad(weighted)(images(2)));
    assert.ok(relativeGap(wasm, cpu) < 1e-4, "what is promised of kernels");
    const at = tf.tidy(() => tf.randomNormal([1, 2, 2, 6], 0, 1, "float32", 3));
    const gaps = derivativeGaps(weighted, at);
    assert.ok(gaps.first < 1e-3 && gaps.second < 1e-3, `${gaps.first}, ${gaps.second}: what is promised of every operation`);
  });
}

it("refuses groups that do not divide the channels", () => {
  assert.throws(() => tf.tidy(() => groupNormalized(images(1), 4)), TrialFailure);
});
