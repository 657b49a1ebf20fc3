/** The fused LSTM cell on wasm against cpu's plain operations: states, gradients, and gates far out where exponentials overflow. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";
import { lstmCell } from "../lstm-cell.js";

before(() => chooseBackend("wasm"));

/** What is promised of kernels; a handful of float32 operations stays a hundred times below it. */
const TOLERANCE = 1e-4;

for (const [name, size] of [
  ["usual gates", 1],
  ["gates of a hundred, either way", 100],
] as const)
  test(`${name}: states and gradients are cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const gates = tf.mul(tf.randomNormal([5, 28], 0, 1, "float32", 1), size);
      const cell = tf.randomNormal([5, 7], 0, 1, "float32", 2);
      const weights = tf.randomNormal([5, 14], 0, 1, "float32", 3);
      const loss = (g: tf.Tensor, c: tf.Tensor) => {
        const next = lstmCell(g, c);
        return tf.sum(tf.mul(tf.concat([next.cell, next.hidden], 1), weights));
      };
      const { value, grads } = tf.valueAndGrads(loss)([gates, cell]);
      const next = lstmCell(gates, cell);
      return tf.concat([value, next.cell, next.hidden, ...grads].map((one) => tf.reshape(one, [-1])));
    });
    assert.ok(wasm.every(Number.isFinite));
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

test("a state that nothing depends on takes no gradient, and only the other counts", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const gates = tf.randomNormal([2, 12], 0, 1, "float32", 1);
    const cell = tf.randomNormal([2, 3], 0, 1, "float32", 2);
    const byHidden = tf.grad((g: tf.Tensor) => tf.sum(lstmCell(g, cell).hidden))(gates);
    const byCell = tf.grad((g: tf.Tensor) => tf.sum(lstmCell(g, cell).cell))(gates);
    return tf.concat([byHidden, byCell]);
  });
  assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
});
