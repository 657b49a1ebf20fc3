/** Tensors that share memory: neither sees the other's changes, and the memory is freed with the last. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../backend.js";
import { applyMomentum } from "../updates.js";

before(() => chooseBackend("wasm"));

test("a clone and a cast hold no memory of their own, and outlive their source", () => {
  const source = tf.tensor1d([1, 2, 3]);
  const before = tf.memory().numDataBuffers;
  const [clone, cast] = [source.clone(), tf.cast(source, "float32")];
  assert.equal(tf.memory().numDataBuffers, before);
  source.dispose();
  assert.deepEqual([...clone.dataSync()], [1, 2, 3]);
  clone.dispose();
  assert.deepEqual([...cast.dataSync()], [1, 2, 3]);
  cast.dispose();
  assert.equal(tf.memory().numDataBuffers, before - 1);
});

test("a cast to another type converts", () => {
  tf.tidy(() => assert.deepEqual([...tf.cast(tf.tensor1d([1.7, -2.7]), "int32").dataSync()], [1, -2]));
});

test("an update in place is not seen by a clone made before it", () => {
  const [param, velocity] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.zeros([2]))];
  const [clone, gradient] = [param.clone(), tf.tensor1d([1, 1])];
  applyMomentum(param, velocity, gradient, { learningRate: 0.5, momentum: 0 });
  assert.deepEqual([...clone.dataSync()], [1, 2]);
  assert.deepEqual([...param.dataSync()], [0.5, 1.5]);
  tf.dispose([param, velocity, clone, gradient]);
});
