/** Norms after clipping. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { noMore, passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./gradient-clipping.js";

await chooseBackend("cpu");

it("shortens to the norm and leaves shorter gradients alone", () => {
  const clipped = (clipNorm: number) =>
    tf.tidy(() => {
      const pass = passOf(module.create({}), 2, { clipNorm: [clipNorm] });
      const { a, b } = pass.gradients({ a: tf.tensor1d([3]), b: tf.tensor1d([0, 4]) }, noMore);
      return [...(a?.dataSync() ?? []), ...(b?.dataSync() ?? [])];
    });
  // float32
  for (const [i, value] of [0.6, 0, 0.8].entries()) assert.ok(Math.abs((clipped(1)[i] ?? 9) - value) < 1e-6);
  assert.deepEqual(clipped(10), [3, 0, 4]);
});

it("leaves a gradient of zero alone", () => {
  tf.tidy(() => {
    const { a } = passOf(module.create({}), 2, { clipNorm: [1] }).gradients({ a: tf.zeros([3]) }, noMore);
    assert.deepEqual([...(a?.dataSync() ?? [])], [0, 0, 0]);
  });
});
