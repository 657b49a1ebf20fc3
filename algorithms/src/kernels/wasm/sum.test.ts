/** Sums on wasm against cpu: our own kernel's cases, and those that it leaves to the stock kernel. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

/** Up to 2,100 float32 terms in two orders: 2,100 roundings of 6e-8 at worst, far fewer in effect. */
const TOLERANCE = 2e-5;

const CASES: readonly [shape: number[], axis?: number | number[], keepDims?: boolean][] = [
  [[70, 30]],
  [[70, 30], 0],
  [[70, 30], [0, 1], true],
  [[70, 30], -1],
  [
    [5, 6, 7, 9],
    [0, 1, 2],
  ],
  [[5, 6, 7, 9], [2, 0, 1], true],
  [
    [5, 6, 7, 9],
    [1, 2],
  ],
  [[5, 6, 7], -3],
  [[1, 4], 0],
  [[19]],
];

for (const [shape, axis, keepDims] of CASES)
  test(`[${shape}] over ${axis ?? "all"}${keepDims ? ", kept" : ""}`, async () => {
    const shapes: number[][] = [];
    const { wasm, cpu } = await onBoth(() => {
      const sum = tf.sum(tf.randomUniform(shape, 0.5, 1, "float32", 1), axis, keepDims);
      shapes.push(sum.shape);
      return sum;
    });
    assert.deepEqual(shapes[0], shapes[1]);
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

test("a scalar, whole numbers and nothing are summed as ever", () => {
  tf.tidy(() => {
    assert.equal(tf.sum(tf.scalar(3)).dataSync()[0], 3);
    assert.deepEqual([...tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2], "int32"), 0).dataSync()], [4, 6]);
    assert.deepEqual([...tf.sum(tf.zeros([0, 2]), 0).dataSync()], [0, 0]);
  });
});
