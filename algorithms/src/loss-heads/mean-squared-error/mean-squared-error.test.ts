/** Losses by hand, and shapes that it can't compare. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { lossesOf } from "../../conformance/one-loss-head.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./mean-squared-error.js";

await chooseBackend("wasm");

it("is the mean square of an example's differences", () => {
  assert.deepEqual(lossesOf(module, [[1, 2], [0, 3]], [[0, 0], [1, 1]]), [2.5, 2.5]); // biome-ignore format: rows
});

it("refuses targets of another shape than the outputs", () => {
  const head = module.create({});
  const wrong = () => tf.tidy(() => head.losses(tf.tensor2d([[1, 2]]), tf.tensor1d([1])));
  assert.throws(wrong, /saw outputs of shape \[1,2\] and targets of shape \[1\], expected one shape/);
});
