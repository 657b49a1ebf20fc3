/** A filled tensor holds what was written on every backend, is counted and freed like any other, and keeps nothing of the array it was handed. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { filled } from "./filled.js";

before(() => chooseBackend("wasm"));

const count = (values: Float32Array) => {
  for (let i = 0; i < values.length; i++) values[i] = i + 0.5;
};

test("it holds what was written, and operations see it", async () => {
  const { wasm, cpu } = await onBoth(() => tf.mul(filled([2, 3], count), 2));
  assert.deepEqual([...wasm], [1, 3, 5, 7, 9, 11]);
  assert.deepEqual(wasm, cpu);
});

test("its memory is counted and freed, in a tidy and by hand", () => {
  const before = tf.memory().numTensors;
  const kept = tf.tidy(() => {
    filled([100], count);
    return filled([3], count);
  });
  assert.equal(tf.memory().numTensors, before + 1);
  assert.deepEqual(kept.shape, [3]);
  assert.deepEqual([...kept.dataSync()], [0.5, 1.5, 2.5]);
  kept.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test("a gradient flows past it to what it is multiplied with", async () => {
  const { wasm, cpu } = await onBoth(() => tf.grad((x: tf.Tensor) => tf.sum(tf.mul(x, filled([4], count))))(tf.ones([4])));
  assert.deepEqual([...wasm], [0.5, 1.5, 2.5, 3.5]);
  assert.deepEqual(wasm, cpu);
});
