/** Whole models on wasm: a convolutional net and an embedding train there, with gradients equal to the cpu backend's. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "./against-cpu.js";
import { chooseBackend } from "./backend.js";
import { softmaxCrossEntropy } from "./losses.js";
import { applyMomentum } from "./updates.js";

before(() => chooseBackend("wasm"));

/** What is promised of the kernels; float32 rounding over a few layers stays ten times below it. */
const TOLERANCE = 1e-4;

interface Model {
  readonly shapes: number[][];
  logits(weights: tf.Tensor[]): tf.Tensor;
}

const random = (shape: number[], seed: number) => tf.mul(tf.randomNormal(shape, 0, 1, "float32", seed), 0.3);
/** tfjs types the rank of images; this states it. */
const four = (x: tf.Tensor) => tf.reshape<tf.Rank.R4>(x, [x.shape[0] ?? 1, x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1]);
const labels = () => tf.cast(tf.oneHot(tf.randomUniform([8], 0, 3, "int32", 5), 3), "float32");

const models: Record<string, Model> = {
  "convolutional net": {
    shapes: [[3, 3, 2, 6], [6], [3, 3, 6, 5], [2 * 2 * 5, 3]],
    logits([f1 = tf.scalar(0), b1 = tf.scalar(0), f2 = tf.scalar(0), w = tf.scalar(0)]) {
      const image = random([8, 9, 8, 2], 1);
      const first = tf.relu(tf.add(tf.conv2d(four(image), four(f1), 1, "same"), b1));
      const second = tf.elu(tf.conv2d(tf.maxPool(four(first), 2, 2, "valid"), four(f2), 1, "same"));
      return tf.matMul(tf.reshape(tf.avgPool(four(second), 2, 2, "valid"), [8, 20]), w);
    },
  },
  "embedding model": {
    shapes: [[30, 7], [7, 9], [9], [9, 3]],
    logits([table = tf.scalar(0), w1 = tf.scalar(0), b1 = tf.scalar(0), w2 = tf.scalar(0)]) {
      const words = tf.randomUniform([8, 5], 0, 30, "int32", 4);
      return tf.matMul(tf.tanh(tf.add(tf.matMul(tf.mean(tf.gather(table, words), 1), w1), b1)), w2);
    },
  },
};

for (const [name, { shapes, logits }] of Object.entries(models)) {
  const weights = () => shapes.map((shape, i) => random(shape, 10 + i));
  const loss = (at: tf.Tensor[]) => tf.mean(softmaxCrossEntropy(logits(at), labels()));

  test(`${name}: every gradient is cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const gradients = tf.grads((...at: tf.Tensor[]) => loss(at))(weights());
      return tf.concat(gradients.map((gradient) => tf.reshape(tf.div(gradient, tf.max(tf.abs(gradient))), [-1])));
    });
    assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
  });

  test(`${name}: forty steps on wasm halve its loss and leave no tensor behind`, () => {
    const variables = tf.tidy(() => weights().map((weight) => tf.variable(weight)));
    const velocities = variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable))));
    const step = () =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => loss(variables).asScalar(), variables);
        for (const [i, variable] of variables.entries()) {
          const [velocity, gradient] = [velocities[i], grads[variable.name]];
          assert.ok(velocity !== undefined && gradient !== undefined);
          applyMomentum(variable, velocity, gradient, { learningRate: 0.2, momentum: 0.8 });
        }
        return value.dataSync()[0] ?? Number.NaN;
      });
    const first = step();
    const tensors = tf.memory().numTensors;
    let last = first;
    for (let i = 0; i < 40; i++) last = step();
    assert.ok(last < first / 2, `loss from ${first} to ${last}`);
    assert.equal(tf.memory().numTensors, tensors);
  });
}
