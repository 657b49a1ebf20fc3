/** Sums with one row and the rectifier's gradient on wasm are cpu's bit for bit: both are one operation a number. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

const SHAPES: readonly [shape: number[], other: number[]][] = [
  [[7, 10], [10]],
  [
    [7, 10],
    [1, 10],
  ],
  [[2, 3, 5], [5]],
  [
    [2, 3, 5],
    [3, 5],
  ],
  [
    [7, 10],
    [7, 1],
  ],
  [[7, 1], [1]],
  [[10], [10]],
  [[5], [3, 5]],
];

for (const [shape, other] of SHAPES)
  test(`[${shape}] + [${other}]`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const [a, b] = [tf.randomNormal(shape, 0, 1, "float32", 1), tf.randomNormal(other, 0, 1, "float32", 2)];
      return tf.add(a, b);
    });
    assert.deepEqual(wasm, cpu);
  });

test("whole numbers and a row are added as ever", () => {
  tf.tidy(() => {
    const sum = tf.add(tf.tensor2d([1, 2, 3, 4], [2, 2], "int32"), tf.tensor1d([10, 20], "int32"));
    assert.deepEqual([sum.dtype, ...sum.dataSync()], ["int32", 11, 22, 13, 24]);
  });
});

for (const size of [1, 4, 7, 66])
  test(`the gradient of ${size} rectified numbers`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const x = tf.concat([tf.randomNormal([size], 0, 1, "float32", 1), tf.tensor1d([0, -0])]);
      const dy = tf.randomNormal([size + 2], 0, 1, "float32", 2);
      return tf.grad((at: tf.Tensor) => tf.relu(at))(x, dy);
    });
    assert.deepEqual([...wasm].map(Math.abs), [...cpu].map(Math.abs));
    assert.deepEqual(
      wasm.map(Math.sign).map((s) => s + 0),
      cpu.map(Math.sign).map((s) => s + 0),
    );
  });
