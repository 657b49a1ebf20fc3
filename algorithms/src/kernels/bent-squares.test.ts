/** Half the squared norm of base + slope * (h V) and its gradients on wasm against plain operations, also differentiated again. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { relativeGap } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { halfBentSquares } from "./bent-squares.js";

before(() => chooseBackend("wasm"));

/** Sums of up to some two hundred float32 products in two orders. */
const TOLERANCE = 2e-6;

for (const shape of [
  [9, 7],
  [3, 3, 2, 8],
  [5, 1],
])
  test(`shape [${shape}]`, () => {
    tf.tidy(() => {
      const columns = shape[shape.length - 1] ?? 0;
      const inputs = [shape, shape, [3, 4], [4, columns]].map((one, seed) => tf.randomNormal(one, 0, 1, "float32", seed + 1));
      const plain: typeof halfBentSquares = (base, slope, h, slopes) => {
        const by = tf.reshape(tf.matMul(tf.slice(h, [0, 0], [1, 4]), slopes), [columns]);
        return tf.mul<tf.Scalar>(tf.sum(tf.square(tf.add(base, tf.mul(slope, by)))), 0.5);
      };
      // Squared, so that the number by which the gradient is multiplied is not 1.
      const lossOf = (f: typeof halfBentSquares) => (base: tf.Tensor, slope: tf.Tensor, h: tf.Tensor, slopes: tf.Tensor) =>
        tf.square(f(base, slope, h, slopes));
      const seen = tf.valueAndGrads(lossOf(halfBentSquares))(inputs);
      const expected = tf.valueAndGrads(lossOf(plain))(inputs);
      const pairs = [[seen.value, expected.value], ...seen.grads.map((gradient, i) => [gradient, expected.grads[i]])];
      for (const [a, b] of pairs) {
        assert.deepEqual(a?.shape, b?.shape);
        assert.ok(relativeGap(a?.dataSync() ?? [], b?.dataSync() ?? []) < TOLERANCE);
      }
      const secondOf = (f: typeof halfBentSquares) =>
        tf.grads((base: tf.Tensor, slope: tf.Tensor, h: tf.Tensor, slopes: tf.Tensor) => {
          const first = tf.grads(lossOf(f))([base, slope, h, slopes]);
          return tf.addN(first.map((gradient, i) => tf.sum(tf.mul(gradient, inputs[i] ?? 0))));
        })(inputs);
      const [twice, plainTwice] = [secondOf(halfBentSquares), secondOf(plain)];
      for (const [i, product] of twice.entries())
        assert.ok(relativeGap(product.dataSync(), plainTwice[i]?.dataSync() ?? []) < TOLERANCE, `second derivative by ${i}`);
    });
  });
