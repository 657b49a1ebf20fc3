/** base + slope * by and its gradients on wasm against plain operations, for every way to share rows. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { relativeGap } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { bend } from "./bend.js";

before(() => chooseBackend("wasm"));

/** Sums of nine float32 products in two orders. */
const TOLERANCE = 1e-6;
const [whole, row, single] = [[9, 7], [7], [1, 7]];

for (const shapes of [
  [whole, whole, whole],
  [whole, whole, row],
  [whole, row, whole],
  [row, row, whole],
  [row, whole, row],
  [whole, row, single],
  [row, row, row],
])
  test(`shapes ${shapes.map((shape) => `[${shape}]`).join(" ")}`, () => {
    tf.tidy(() => {
      const inputs = shapes.map((shape, seed) => tf.randomNormal(shape, 0, 1, "float32", seed + 1));
      const lossOf = (f: typeof bend) => (base: tf.Tensor, slope: tf.Tensor, by: tf.Tensor) =>
        tf.sum(tf.square(f(base, slope, by)));
      const plain: typeof bend = (base, slope, by) => tf.add(base, tf.mul(slope, by));
      const seen = tf.valueAndGrads(lossOf(bend))(inputs);
      const expected = tf.valueAndGrads(lossOf(plain))(inputs);
      const pairs = [[seen.value, expected.value], ...seen.grads.map((gradient, i) => [gradient, expected.grads[i]])];
      for (const [a, b] of pairs) {
        assert.deepEqual(a?.shape, b?.shape);
        assert.ok(relativeGap(a?.dataSync() ?? [], b?.dataSync() ?? []) < TOLERANCE);
      }
      // The product of the Hessian with the point itself, which differs from zero in each part.
      const secondOf = (f: typeof bend) =>
        tf.grads((base: tf.Tensor, slope: tf.Tensor, by: tf.Tensor) => {
          const first = tf.grads(lossOf(f))([base, slope, by]);
          return tf.addN(first.map((gradient, i) => tf.sum(tf.mul(gradient, inputs[i] ?? 0))));
        })(inputs);
      const [twice, plainTwice] = [secondOf(bend), secondOf(plain)];
      for (const [i, product] of twice.entries())
        assert.ok(relativeGap(product.dataSync(), plainTwice[i]?.dataSync() ?? []) < TOLERANCE, `second derivative by ${i}`);
    });
  });
