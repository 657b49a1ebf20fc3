/** A reacting layer's two products, which share the packing of their inputs, have the bits of two products one after the other, whatever the blocks. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../backend.js";
import { hyperDense } from "../hyper-dense.js";

before(() => chooseBackend("wasm"));

/** Rows, inputs and outputs on both sides of a block's 96, 256 and 256, and rests of a tile. */
const sizes = [
  [1, 1, 1],
  [5, 7, 3],
  [64, 256, 256],
  [97, 257, 259],
  [200, 600, 530],
] as const;

for (const [rows, inputs, outputs] of sizes)
  test(`${rows} rows, ${inputs} inputs, ${outputs} outputs`, () => {
    tf.tidy(() => {
      const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);
      const [x, own, response] = [normal([rows, inputs], 1), normal([inputs, outputs], 2), normal([inputs, outputs], 3)];
      const zeros = tf.zeros([rows, 1]);
      const ones = tf.ones([1, outputs]);
      // Multipliers of 0 leave x W, and those of 1 on weights of 0 leave x W'.
      const first = hyperDense(x, zeros, { own, response, slopes: ones });
      assert.deepEqual(first.dataSync(), tf.matMul(x, own).dataSync());
      const second = hyperDense(x, tf.ones([rows, 1]), { own: tf.zerosLike(own), response, slopes: ones });
      assert.deepEqual(second.dataSync(), tf.matMul(x, response).dataSync());
    });
  });
