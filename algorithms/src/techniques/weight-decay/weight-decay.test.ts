/** The penalty by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./weight-decay.js";

await chooseBackend("cpu");

it("penalizes kernels alone, by half the strength", () => {
  const pass = passOf(module.create({}), 2, { weightDecay: [0.5] });
  tf.tidy(() => {
    const weights = (["kernel", "bias", "embedding"] as const).map((kind) => ({ name: kind, kind, value: tf.tensor1d([1, 2]) }));
    // 1 + 0.5/2 (1 + 4), in float32
    assert.ok(Math.abs((pass.penalize(tf.scalar(1), weights).dataSync()[0] ?? 0) - 2.25) < 1e-6);
  });
});

it("can be differentiated twice: the second derivative is the strength", () => {
  const pass = passOf(module.create({}), 2, { weightDecay: [0.5] });
  tf.tidy(() => {
    const penalty = (x: tf.Tensor) => pass.penalize(tf.scalar(0), [{ name: "w", kind: "kernel", value: x }]);
    const product = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.grad(penalty)(x), tf.tensor1d([1, -2]))))(tf.tensor1d([3, 4]));
    assert.deepEqual([...product.dataSync()], [0.5, -1]);
  });
});
