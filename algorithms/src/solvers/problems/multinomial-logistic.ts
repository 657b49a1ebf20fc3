/**
 * Multinomial logistic regression with a penalty for every weight:
 *   h(w, theta) = mean over rows of cross entropy(softmax(W x), label) + 1/2 sum_j e^theta_j w_j^2,
 * W [classes, features] row by row. mu is the least penalty. The upper function is the mean cross entropy of other rows. Source: section 4.2 of MAID
 * (arXiv 2308.10098); Pedregosa (arXiv 1602.02355).
 */
import { eigenvalues } from "../dense-symmetric.js";
import type { LowerProblem, UpperFunction } from "../lower-problem.js";

/** Rows with their classes. */
export interface LogisticRows {
  readonly features: number;
  readonly classes: number;
  /** [rows * features] */
  readonly inputs: Float64Array;
  /** [rows], 0 to classes - 1. */
  readonly labels: Uint8Array;
}

/** The Hessian of a softmax's cross entropy in its logits has no eigenvalue above this. */
const logitCurvature = 0.5;
/**
 * Third derivatives along a unit direction of logits: the third central moment of a variable of range sqrt(2), which is at most range^3 / (6 sqrt 3).
 */
const logitThird = Math.SQRT2 ** 3 / (6 * Math.sqrt(3));
/** More features than this get a bound from the trace and not from eigenvalues, which cost features^3. */
const spectrumFeaturesMax = 200;

/** The lower level over training rows. Its buffers are its own: not re-entrant. */
export function multinomialLogistic(rows: LogisticRows): LowerProblem {
  const { features, classes, inputs } = rows;
  const count = rows.labels.length;
  const dim = features * classes;
  const curvature = logitCurvature * largestMoment(rows);
  const cubes = meanCubedNorm(rows);
  const logits = new Float64Array(classes);
  const along = new Float64Array(classes);
  return {
    dim,
    thetaDim: dim,
    mu: (theta) => Math.exp(least(theta)),
    smoothness: (theta) => curvature + Math.exp(greatest(theta)),
    value: (w, theta) =>
      meanCrossEntropy(rows, w, logits) + 0.5 * w.reduce((sum, one, j) => sum + Math.exp(at(theta, j)) * one * one, 0),
    gradient(w, theta, out) {
      gradientOfLoss(rows, w, out, logits);
      for (let j = 0; j < dim; j++) out[j] = at(out, j) + Math.exp(at(theta, j)) * at(w, j);
    },
    hessianVector(w, theta, v, out) {
      for (let j = 0; j < dim; j++) out[j] = Math.exp(at(theta, j)) * at(v, j);
      for (let row = 0; row < count; row++) {
        probabilities(rows, row, w, logits);
        products(rows, row, v, along);
        let mean = 0;
        for (let c = 0; c < classes; c++) mean += at(logits, c) * at(along, c);
        for (let c = 0; c < classes; c++) {
          const factor = (at(logits, c) * (at(along, c) - mean)) / count;
          for (let i = 0; i < features; i++)
            out[c * features + i] = at(out, c * features + i) + factor * at(inputs, row * features + i);
        }
      }
    },
    crossTransposed(w, theta, q, out) {
      for (let j = 0; j < dim; j++) out[j] = Math.exp(at(theta, j)) * at(w, j) * at(q, j);
    },
    lipschitz: (w, theta) => ({
      crossNorm: w.reduce((most, one, j) => Math.max(most, Math.exp(at(theta, j)) * Math.abs(one)), 0),
      crossLipschitz: Math.exp(greatest(theta)),
      hessianLipschitz: logitThird * cubes,
    }),
  };
}

/** Mean cross entropy of rows as an upper function of the weights. */
export function crossEntropyOf(rows: LogisticRows): UpperFunction {
  const logits = new Float64Array(rows.classes);
  return {
    smoothness: logitCurvature * largestMoment(rows),
    convex: true,
    value: (w) => meanCrossEntropy(rows, w, logits),
    gradient: (w, out) => gradientOfLoss(rows, w, out, logits),
  };
}

/** Share of rows whose class the weights don't find. */
export function errorRate(rows: LogisticRows, w: Float64Array): number {
  const logits = new Float64Array(rows.classes);
  let wrong = 0;
  for (const [row, label] of rows.labels.entries()) {
    products(rows, row, w, logits);
    if (logits.indexOf(greatest(logits)) !== label) wrong += 1;
  }
  return wrong / rows.labels.length;
}

function meanCrossEntropy(rows: LogisticRows, w: Float64Array, logits: Float64Array): number {
  let sum = 0;
  for (const [row, label] of rows.labels.entries()) {
    products(rows, row, w, logits);
    const most = greatest(logits);
    let total = 0;
    for (let c = 0; c < logits.length; c++) total += Math.exp(at(logits, c) - most);
    sum += Math.log(total) + most - at(logits, label);
  }
  return sum / rows.labels.length;
}

function gradientOfLoss(rows: LogisticRows, w: Float64Array, out: Float64Array, logits: Float64Array): void {
  const { features, classes, inputs, labels } = rows;
  out.fill(0);
  for (let row = 0; row < labels.length; row++) {
    probabilities(rows, row, w, logits);
    for (let c = 0; c < classes; c++) {
      const factor = (at(logits, c) - (labels[row] === c ? 1 : 0)) / labels.length;
      const [into, from] = [c * features, row * features];
      for (let i = 0; i < features; i++) out[into + i] = at(out, into + i) + factor * at(inputs, from + i);
    }
  }
}

function products({ features, inputs }: LogisticRows, row: number, w: Float64Array, out: Float64Array): void {
  const from = row * features;
  for (let c = 0; c < out.length; c++) {
    const weights = c * features;
    let sum = 0;
    for (let i = 0; i < features; i++) sum += at(w, weights + i) * at(inputs, from + i);
    out[c] = sum;
  }
}

function probabilities(rows: LogisticRows, row: number, w: Float64Array, out: Float64Array): void {
  products(rows, row, w, out);
  const most = greatest(out);
  let total = 0;
  for (let c = 0; c < out.length; c++) {
    out[c] = Math.exp(at(out, c) - most);
    total += at(out, c);
  }
  for (let c = 0; c < out.length; c++) out[c] = at(out, c) / total;
}

/** Upper bound of the largest eigenvalue of X'X / rows. */
function largestMoment({ features, inputs, labels }: LogisticRows): number {
  if (features > spectrumFeaturesMax) return inputs.reduce((sum, one) => sum + one * one, 0) / labels.length;
  const moments = new Float64Array(features * features);
  for (let row = 0; row < labels.length; row++)
    for (let i = 0; i < features; i++) {
      const xi = at(inputs, row * features + i) / labels.length;
      if (xi === 0) continue;
      for (let j = 0; j < features; j++)
        moments[i * features + j] = at(moments, i * features + j) + xi * at(inputs, row * features + j);
    }
  return (eigenvalues(moments).at(-1) ?? 0) * (1 + 1e-12);
}

function meanCubedNorm({ features, inputs, labels }: LogisticRows): number {
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    let squares = 0;
    for (let i = 0; i < features; i++) squares += at(inputs, row * features + i) ** 2;
    sum += squares ** 1.5;
  }
  return sum / labels.length;
}

function least(values: Float64Array): number {
  return values.reduce((most, one) => Math.min(most, one), Number.POSITIVE_INFINITY);
}

function greatest(values: Float64Array): number {
  return values.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
