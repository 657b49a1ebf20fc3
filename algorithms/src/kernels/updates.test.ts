/** In-place updates against the plain rule on cpu, and what may not happen to memory that others hold. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { applyAdam, applyMomentum } from "./updates.js";

before(() => chooseBackend("wasm"));

/** Ten float32 updates in the same order of operations but for a division: 1e-6 is some ten roundings. */
const TOLERANCE = 1e-6;
const SIZE = 103; // not a multiple of four

/** A variable that alone holds its memory. */
const variable = (seed: number): tf.Variable => tf.tidy(() => tf.variable(tf.randomNormal([SIZE], 0, 1, "float32", seed)));
const zero = (): tf.Variable => tf.tidy(() => tf.variable(tf.zeros([SIZE])));
const gradient = (step: number) => tf.randomNormal([SIZE], 0, 1, "float32", 100 + step);

for (const nesterov of [false, true])
  test(`ten momentum updates${nesterov ? " of Nesterov's" : ""} are cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const [param, velocity] = [variable(1), zero()];
      for (let step = 0; step < 10; step++)
        applyMomentum(param, velocity, gradient(step), { learningRate: 0.1, momentum: 0.9, nesterov });
      return tf.concat([param, velocity]);
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

test("ten Adam updates are cpu's, and tfjs's own optimizer's", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const [param, moments] = [variable(1), { first: zero(), second: zero() }];
    for (let step = 1; step <= 10; step++) applyAdam(param, moments, gradient(step), { learningRate: 0.01, step });
    return param;
  });
  assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  const param = variable(1);
  const optimizer = tf.train.adam(0.01, 0.9, 0.999, 1e-8);
  for (let step = 1; step <= 10; step++) optimizer.applyGradients([{ name: param.name, tensor: gradient(step) }]);
  // tfjs keeps 1 - beta^t as a product of float32 numbers: 1e-5 allows for its roundings.
  assert.ok(relativeGap(wasm, param.dataSync()) < 1e-5);
});

test("an update on wasm happens in place, unless a clone holds the memory too", () => {
  const [param, velocity] = [variable(1), zero()];
  const at = param.dataId;
  applyMomentum(param, velocity, gradient(0), { learningRate: 0.1, momentum: 0 });
  assert.equal(param.dataId, at);
  const checkpoint = param.clone();
  const before = checkpoint.dataSync().slice();
  applyMomentum(param, velocity, gradient(1), { learningRate: 0.1, momentum: 0 });
  assert.deepEqual(checkpoint.dataSync(), before);
  assert.ok(relativeGap(param.dataSync(), before) > 0.01);
});

test("a convolution after an in-place update sees the new weights, not the copy that XNNPACK packed", async () => {
  const { wasm, cpu } = await onBoth(() => {
    const filter = tf.tidy(() => tf.variable<tf.Rank.R4>(tf.randomNormal([3, 3, 2, 4], 0, 1, "float32", 1)));
    const velocity = tf.tidy(() => tf.variable(tf.zeros([3, 3, 2, 4])));
    const x = tf.randomNormal<tf.Rank.R4>([1, 5, 5, 2], 0, 1, "float32", 2);
    const look = () => tf.conv2d(x, filter, 1, "same");
    look();
    applyMomentum(filter, velocity, tf.onesLike(filter), { learningRate: 0.5, momentum: 0 });
    return look();
  });
  assert.ok(relativeGap(wasm, cpu) < 1e-5, `gap ${relativeGap(wasm, cpu)}`); // sums of 18 products
});

test("fifty updates leave the number of tensors as it was", () => {
  const [param, velocity, moments] = [variable(1), zero(), { first: zero(), second: zero() }];
  const before = tf.memory().numTensors;
  for (let step = 1; step <= 50; step++)
    tf.tidy(() => {
      applyMomentum(param, velocity, gradient(step), { learningRate: 0.1, momentum: 0.9 });
      applyAdam(param, moments, gradient(step), { learningRate: 0.1, step });
    });
  assert.equal(tf.memory().numTensors, before);
});
