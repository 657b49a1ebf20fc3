/** Losses by hand, and what the head can't be used for. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { lossesOf } from "../../conformance/one-loss-head.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./softmax-cross-entropy.js";

await chooseBackend("wasm");

it("is -log softmax of the target's class, a mean over places", () => {
  const logOf = (...exponents: number[]) => Math.log(exponents.reduce((sum, z) => sum + Math.exp(z), 0));
  const losses = lossesOf(module, [[[1, 2], [0, 3]], [[0, 0], [5, 5]]], [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]); // biome-ignore format: rows
  const expected = [(logOf(1, 2) - 1 + logOf(0, 3) - 3) / 2, Math.log(2)];
  // A few float32 operations on numbers up to 5.
  for (const [i, value] of expected.entries()) assert.ok(Math.abs((losses[i] ?? Number.NaN) - value) < 1e-6, `${losses}`);
});

it("refuses targets that are no classes, and says where it can be used", () => {
  const head = module.create({});
  assert.throws(
    () => tf.tidy(() => head.losses(tf.tensor2d([[1]]), tf.tensor2d([[2]]))),
    /saw targets of shape \[1, 1\], expected \[batch, \.\.\., classes\]: switch softmax-cross-entropy off/,
  );
});
