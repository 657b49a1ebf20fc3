/**
 * Ridge regression in double precision: a random problem, its exact weights at any penalty, their derivative, and the losses. What it
 * minimizes is 1/(2n) |X w - y|^2 + penalty/2 |w|^2, so that everything a bilevel method approximates is known in closed form.
 * Source: Hoerl and Kennard, "Ridge regression", Technometrics 12 (1970); the sizes are those of papers on self-tuning networks.
 */
import { assert } from "@regulus/proto";
import type { Rng } from "../core/index.js";

/** Rows of one split: X row by row, y. */
export interface RidgeRows {
  readonly count: number;
  readonly inputs: Float64Array;
  readonly targets: Float64Array;
}

/** What a random problem is drawn from. */
export interface RidgeLaw {
  readonly dimension: number;
  /** Standard deviation of each true weight. */
  readonly weightDeviation: number;
  /** Standard deviation of the noise on targets. */
  readonly noise: number;
}

/** True weights of a law, from which any number of splits can be drawn. */
export function drawRidgeWeights({ dimension, weightDeviation }: RidgeLaw, rng: Rng): Float64Array {
  const weights = new Float64Array(dimension);
  rng.fillNormal(weights);
  return weights.map((weight) => weightDeviation * weight);
}

/** Standard normal inputs, targets on the plane of the true weights plus noise. */
export function drawRidgeRows(count: number, truth: Float64Array, noise: number, rng: Rng): RidgeRows {
  const inputs = new Float64Array(count * truth.length);
  const targets = new Float64Array(count);
  rng.fork("inputs").fillNormal(inputs);
  rng.fork("noise").fillNormal(targets);
  for (let row = 0; row < count; row++) targets[row] = predict(inputs, row, truth) + noise * (targets[row] ?? 0);
  return { count, inputs, targets };
}

/** x_row . w */
export function predict(inputs: Float64Array, row: number, weights: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (inputs[row * weights.length + i] ?? 0) * (weights[i] ?? 0);
  return sum;
}

/** Half the mean squared error. */
export function ridgeLoss({ count, inputs, targets }: RidgeRows, weights: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < count; row++) sum += (predict(inputs, row, weights) - (targets[row] ?? 0)) ** 2;
  return sum / (2 * count);
}

/** The weights of least penalized loss: (X'X/n + penalty I) w = X'y/n. */
export function ridgeWeights(rows: RidgeRows, penalty: number): Float64Array {
  const dimension = rows.inputs.length / rows.count;
  const right = new Float64Array(dimension);
  for (let row = 0; row < rows.count; row++) {
    for (let i = 0; i < dimension; i++) {
      right[i] = (right[i] ?? 0) + ((rows.inputs[row * dimension + i] ?? 0) * (rows.targets[row] ?? 0)) / rows.count;
    }
  }
  return solve(ridgeHessian(rows, penalty), right);
}

/** Derivative of `ridgeWeights` by the logarithm of the penalty: -(H)^-1 penalty w. */
export function ridgeResponse(rows: RidgeRows, penalty: number): Float64Array {
  const weights = ridgeWeights(rows, penalty);
  return solve(
    ridgeHessian(rows, penalty),
    weights.map((weight) => -penalty * weight),
  );
}

function ridgeHessian({ count, inputs }: RidgeRows, penalty: number): Float64Array {
  const dimension = inputs.length / count;
  const hessian = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < dimension; j++) {
      let sum = 0;
      for (let row = 0; row < count; row++) sum += (inputs[row * dimension + i] ?? 0) * (inputs[row * dimension + j] ?? 0);
      hessian[i * dimension + j] = sum / count + (i === j ? penalty : 0);
    }
  }
  return hessian;
}

/** Solves A x = b for a symmetric positive definite A [n, n], by Cholesky factors. A is used up. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const at = (i: number, j: number) => matrix[i * n + j] ?? 0;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      assert(i !== j || sum > 0, "the matrix of a ridge problem is positive definite");
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - at(i, k) * (x[k] ?? 0);
    x[i] = (x[i] ?? 0) / at(i, i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] ?? 0) - at(k, i) * (x[k] ?? 0);
    x[i] = (x[i] ?? 0) / at(i, i);
  }
  return x;
}
