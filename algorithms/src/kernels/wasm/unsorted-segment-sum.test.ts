/** Sums by segment on wasm against cpu, and the gradient of an embedding that they serve. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

/** At most a few dozen float32 terms are added, in the same order on both: 1e-6 leaves room for a compiler's reordering only. */
const TOLERANCE = 1e-6;

for (const inner of [[], [1], [4], [7], [3, 5]])
  test(`rows of shape [${inner}] are summed by segment as on cpu`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const rows = tf.randomNormal([50, ...inner], 0, 1, "float32", 1);
      return tf.unsortedSegmentSum(rows, tf.randomUniform<tf.Rank.R1>([50], 0, 9, "int32", 2), 11);
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

test("rows whose segment lies outside are left out, empty segments are zero", () => {
  const sums = tf.unsortedSegmentSum(tf.tensor1d([1, 2, 4, 8]), tf.tensor1d([-1, 2, 0, 2], "int32"), 3);
  assert.deepEqual([...sums.dataSync()], [4, 0, 10]);
});

test("an embedding's gradient sums over every use of a word, as on cpu", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const table = tf.randomNormal([20, 6], 0, 1, "float32", 1);
    const words = tf.randomUniform([8, 5], 0, 20, "int32", 2);
    return tf.grad((t: tf.Tensor) => tf.sum(tf.square(tf.gather(t, words))))(table);
  });
  assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
});
