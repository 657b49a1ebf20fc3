/** Cross entropies against numbers in double precision, and their gradients against their formulas. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "./backend.js";
import { softmaxCrossEntropy } from "./losses.js";

await chooseBackend("cpu");

/** float32: 24 bits of numbers up to 1,000. */
function near(seen: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  assert.equal(seen.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) <= tolerance, `${seen[i]} for ${value}`);
}

it("cross entropy of soft targets, also where exp would overflow", () => {
  tf.tidy(() => {
    const logits = tf.tensor2d([1, 2, 3, 1000, 0, -1000], [2, 3]);
    const targets = tf.tensor2d([0.2, 0.3, 0.5, 0, 1, 0], [2, 3]);
    const normalizer = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3));
    near(softmaxCrossEntropy(logits, targets).dataSync(), [normalizer - (0.2 + 0.6 + 1.5), 1000]);
  });
});

it("its gradient is softmax less target", () => {
  tf.tidy(() => {
    const logits = tf.tensor2d([0.5, -1, 2], [1, 3]);
    const targets = tf.tensor2d([0.1, 0.1, 0.8], [1, 3]);
    const gradient = tf.grad((z: tf.Tensor) => tf.sum(softmaxCrossEntropy(z, targets)))(logits);
    near(gradient.dataSync(), [...tf.sub(tf.softmax(logits), targets).dataSync()]);
  });
});

it("takes the last axis for the classes, whatever stands before", () => {
  tf.tidy(() => {
    const logits = tf.randomNormal([2, 3, 5], 0, 1, "float32", 1);
    const targets = tf.softmax(tf.randomNormal([2, 3, 5], 0, 1, "float32", 2));
    const flat = softmaxCrossEntropy(tf.reshape(logits, [6, 5]), tf.reshape(targets, [6, 5]));
    const seen = softmaxCrossEntropy(logits, targets);
    assert.deepEqual(seen.shape, [2, 3]);
    near(seen.dataSync(), [...flat.dataSync()], 0);
  });
});
