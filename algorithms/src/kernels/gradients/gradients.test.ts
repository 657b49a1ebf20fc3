/** First and second derivatives of every operation that Regulus's models use, on cpu and wasm, against finite differences. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../backend.js";
import { logSoftmax, logSumExp, sigmoidCrossEntropy, softmaxCrossEntropy } from "../losses.js";
import { type LstmState, lstmCell } from "../lstm-cell.js";
import { derivativeGaps } from "./finite-differences.js";

/**
 * The worst gap seen is 3e-4 for gradients and 1e-4 for Hessian-vector products, all of it rounding of the differences (see finite-differences.ts); tfjs's own second derivatives, where wrong, are off by 0.2 to 1.3.
 */
const TOLERANCE = 1e-3;

type T = tf.Tensor;
interface Case {
  readonly shape: number[];
  readonly f: (x: T) => T;
  /** Moves the random input to where f is smooth; default as drawn. */
  readonly at?: (x: T) => T;
}

const fixed = (shape: number[], seed: number): T => tf.randomNormal(shape, 0, 1, "float32", seed);
const statesOf = ({ cell, hidden }: LstmState): T => tf.concat([cell, hidden], 1);
const positive = (x: T): T => tf.add(tf.abs(x), 0.5);
/** At least 0.2 away from zero, so that no difference steps over a kink. */
const awayFromZero = (x: T): T => tf.add(x, tf.mul(tf.sub(tf.mul(tf.step(x), 2), 1), 0.2));
/** Distinct values 0.1 apart in random order, so that no difference changes which is largest. */
const distinct = (x: T): T => {
  const order = Array.from(x.dataSync(), (value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const out = new Float32Array(x.size);
  for (const [rank, { index }] of order.entries()) out[index] = 0.1 * (rank - x.size / 2);
  return tf.tensor(out, x.shape);
};
const image = (x: T): tf.Tensor4D =>
  tf.reshape<tf.Rank.R4>(x, [x.shape[0] ?? 1, x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1]);
const filter = (kh: number, ci: number, co: number): tf.Tensor4D => tf.randomNormal([kh, kh, ci, co], 0, 1, "float32", 5);

const cases: Record<string, Case> = {
  "add broadcast": { shape: [3], f: (x) => tf.add(fixed([4, 3], 1), x) },
  "sub broadcast": { shape: [4, 3], f: (x) => tf.sub(fixed([3], 1), x) },
  "mul broadcast": { shape: [3], f: (x) => tf.mul(fixed([4, 3], 1), x) },
  "mul by itself": { shape: [4, 3], f: (x) => tf.mul(x, tf.mul(x, x)) },
  "div numerator": { shape: [3], f: (x) => tf.div(x, positive(fixed([4, 3], 1))) },
  "div denominator": { shape: [3], f: (x) => tf.div(fixed([4, 3], 1), x), at: positive },
  "pow base": { shape: [5], f: (x) => tf.pow(x, 2.5), at: positive },
  "pow exponent": { shape: [5], f: (x) => tf.pow(positive(fixed([5], 1)), x) },
  square: { shape: [5], f: (x) => tf.square(x) },
  sqrt: { shape: [5], f: (x) => tf.sqrt(x), at: positive },
  rsqrt: { shape: [5], f: (x) => tf.rsqrt(x), at: positive },
  reciprocal: { shape: [5], f: (x) => tf.reciprocal(x), at: positive },
  exp: { shape: [5], f: (x) => tf.exp(x) },
  log: { shape: [5], f: (x) => tf.log(x), at: positive },
  log1p: { shape: [5], f: (x) => tf.log1p(x), at: positive },
  abs: { shape: [5], f: (x) => tf.abs(x), at: awayFromZero },
  neg: { shape: [5], f: (x) => tf.neg(x) },
  relu: { shape: [3, 4], f: (x) => tf.relu(x), at: awayFromZero },
  leakyRelu: { shape: [3, 4], f: (x) => tf.leakyRelu(x), at: awayFromZero },
  elu: { shape: [3, 4], f: (x) => tf.elu(x), at: awayFromZero },
  tanh: { shape: [3, 4], f: (x) => tf.tanh(x) },
  sigmoid: { shape: [3, 4], f: (x) => tf.sigmoid(x) },
  softplus: { shape: [3, 4], f: (x) => tf.softplus(x) },
  softmax: { shape: [3, 4], f: (x) => tf.softmax(x) },
  logSoftmax: { shape: [3, 4], f: (x) => logSoftmax(x) },
  "logSumExp of the first axis": { shape: [3, 4], f: (x) => logSumExp(x, 0) },
  softmaxCrossEntropy: { shape: [3, 4], f: (x) => softmaxCrossEntropy(x, tf.softmax(fixed([3, 4], 1))) },
  sigmoidCrossEntropy: { shape: [3, 4], f: (x) => sigmoidCrossEntropy(x, tf.sigmoid(fixed([3, 4], 1))) },
  "lstm cell, by its gates": { shape: [2, 12], f: (x) => statesOf(lstmCell(x, fixed([2, 3], 1))) },
  "lstm cell, by its last state": { shape: [2, 3], f: (x) => statesOf(lstmCell(fixed([2, 12], 1), x)) },
  "sum of an axis": { shape: [3, 4], f: (x) => tf.sum(x, 0) },
  "mean of an axis": { shape: [3, 4], f: (x) => tf.mean(x, 1) },
  "mean of two axes": { shape: [2, 3, 2], f: (x) => tf.mean(x, [0, 1]) },
  max: { shape: [3, 4], f: (x) => tf.max(x, 1), at: distinct },
  min: { shape: [3, 4], f: (x) => tf.min(x, 1), at: distinct },
  maximum: { shape: [3, 4], f: (x) => tf.maximum(x, 0), at: awayFromZero },
  minimum: { shape: [3, 4], f: (x) => tf.minimum(x, 0), at: awayFromZero },
  clipByValue: { shape: [3, 4], f: (x) => tf.clipByValue(x, -3, 3) },
  where: { shape: [3, 4], f: (x) => tf.where(tf.greater(fixed([3, 4], 1), 0), x, tf.mul(x, 2)) },
  "matMul NN": { shape: [3, 4], f: (x) => tf.matMul(x, fixed([4, 2], 1)) },
  "matMul with itself, TN": { shape: [3, 4], f: (x) => tf.matMul(x, x, true, false) },
  "matMul with itself, NT": { shape: [3, 4], f: (x) => tf.matMul(x, x, false, true) },
  "matMul TT": { shape: [3, 2], f: (x) => tf.matMul(x, fixed([4, 3], 1), true, true) },
  reshape: { shape: [3, 4], f: (x) => tf.matMul(tf.reshape(x, [4, 3]), x) },
  transpose: { shape: [3, 4], f: (x) => tf.mul(tf.transpose(x), fixed([4, 3], 1)) },
  concat: { shape: [3, 4], f: (x) => tf.concat([x, tf.square(x)], 1) },
  slice: { shape: [3, 4], f: (x) => tf.slice(x, [1, 0], [2, 3]) },
  stack: { shape: [3, 4], f: (x) => tf.stack([x, tf.square(x)]) },
  pad: { shape: [3, 4], f: (x) => tf.mul(tf.pad(x, [[1, 0], [0, 2]]), fixed([4, 6], 1)) }, // biome-ignore format: pairs
  tile: { shape: [3, 4], f: (x) => tf.mul(tf.tile(x, [2, 1]), fixed([6, 4], 1)) },
  gather: { shape: [5, 3], f: (x) => tf.gather(x, tf.tensor2d([[0, 4, 1], [1, 1, 3]], [2, 3], "int32")) }, // biome-ignore format: rows
  "conv2d input": { shape: [2, 4, 4, 2], f: (x) => tf.conv2d(image(x), filter(3, 2, 3), 1, "same") },
  "conv2d input, strided": { shape: [1, 5, 5, 2], f: (x) => tf.conv2d(image(x), filter(3, 2, 3), 2, "valid") },
  "conv2d filter": { shape: [3, 3, 2, 2], f: (x) => tf.conv2d(image(fixed([2, 4, 4, 2], 1)), image(x), 1, "same") },
  "conv2d of both": { shape: [3, 3, 2, 2], f: (x) => tf.conv2d(image(tf.reshape(x, [2, 3, 3, 2])), image(x), 2, "same") },
  maxPool: { shape: [1, 4, 4, 2], f: (x) => tf.maxPool(image(x), 2, 2, "valid"), at: distinct },
  "maxPool, overlapping, same": { shape: [1, 5, 5, 1], f: (x) => tf.maxPool(image(x), 3, 2, "same"), at: distinct },
  averagePool: { shape: [1, 4, 4, 2], f: (x) => tf.avgPool(image(x), 2, 2, "valid") },
  "averagePool, overlapping, same": { shape: [1, 5, 5, 1], f: (x) => tf.avgPool(image(x), 3, 2, "same") },
};

for (const backend of ["cpu", "wasm"] as const)
  for (const [name, { shape, f, at = (x: T) => x }] of Object.entries(cases))
    test(`${name} on ${backend}: gradient and Hessian-vector product are those of finite differences`, async () => {
      await chooseBackend(backend);
      // Tanh of the square, weighted: a loss whose second derivative passes through the operation's gradient in every way.
      const loss = (x: T): T => {
        const y = f(x);
        return tf.sum(tf.mul(tf.tanh(tf.mul(tf.square(y), 0.1)), tf.randomUniform(y.shape, 0.5, 1.5, "float32", 9)));
      };
      const gaps = derivativeGaps(
        loss,
        tf.tidy(() => at(tf.randomNormal(shape, 0, 1, "float32", 3))),
      );
      assert.ok(gaps.first < TOLERANCE, `gradient off by ${gaps.first}`);
      assert.ok(gaps.second < TOLERANCE, `Hessian-vector product off by ${gaps.second}`);
    });

before(() => chooseBackend("cpu"));
