/** Slices, splits and unstacked parts on wasm against cpu: exactly the same numbers, for every rank, axis and type. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

const whole = (shape: number[]) => tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape);

for (const [shape, begin, size] of [
  [[7], [2], [3]],
  [
    [5, 6],
    [1, 2],
    [3, 4],
  ],
  [
    [5, 6],
    [2, 0],
    [2, -1],
  ],
  [
    [3, 4, 50],
    [1, 1, 3],
    [2, 2, 40],
  ],
  [
    [2, 3, 4, 5],
    [0, 1, 0, 2],
    [2, 2, 4, 3],
  ],
  [
    [2, 2, 3, 2, 2],
    [1, 0, 1, 0, 0],
    [1, 2, 2, 2, 2],
  ],
  [
    [4, 3],
    [4, 0],
    [0, 3],
  ],
  [
    [4, 3],
    [0, 0],
    [4, 3],
  ],
] as const)
  test(`slice of [${shape}] from [${begin}], [${size}]`, async () => {
    const { wasm, cpu } = await onBoth(() => tf.slice(whole([...shape]), [...begin], [...size]));
    assert.deepEqual(wasm, cpu);
  });

test("whole numbers and truths are sliced as such", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const x = tf.reshape(tf.range(0, 30, 1, "int32"), [5, 6]);
    return tf.concat([tf.slice(x, [1, 1], [2, 2]), tf.cast(tf.slice(tf.greater(x, 12), [1, 1], [2, 2]), "int32")]);
  });
  assert.deepEqual(wasm, cpu);
});

for (const axis of [0, 1, 2, -1])
  test(`split and unstack along axis ${axis}`, async () => {
    const shape = [4, 4, 6];
    const { wasm, cpu } = await onBoth(() => {
      const x = whole(shape);
      const parts = [...tf.split(x, 2, axis), ...tf.unstack(x, axis)];
      const uneven = tf.split(x, axis === 0 || axis === 1 ? [1, 3] : [1, 5], axis);
      const flat = [...parts, ...uneven].map((part) => tf.concat([tf.tensor1d(part.shape), tf.reshape(part, [-1])]));
      return tf.concat(flat);
    });
    assert.deepEqual(wasm, cpu);
  });
