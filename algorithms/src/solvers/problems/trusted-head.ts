/**
 * The exact lower level of hyper-cleaning at given logits: a softmax head on samples weighted by their logits' sigmoids (or all alike), as a
 * LowerProblem for exact solvers, with the accuracy on clean test samples. For baselines and claims.
 */
import type { LowerProblem } from "../lower-problem.js";
import { type HyperCleaningData, sigmoid } from "./hyper-cleaning.js";
import { SoftmaxHead } from "./softmax-head.js";

export interface TrustedHead {
  readonly lower: LowerProblem;
  /** Share of the test samples that weights y [classes * width] get right. */
  accuracy(y: Float64Array): number;
}

/** @param logits one a training sample; absent for weights of 1. */
export function trustedHead({ classes, train, test }: HyperCleaningData, mu: number, logits?: Float64Array): TrustedHead {
  const head = new SoftmaxHead(classes, train.width);
  const weights = Float64Array.from({ length: train.count }, (_, row) => (logits === undefined ? 1 : sigmoid(logits[row] ?? 0)));
  let smoothness = mu;
  for (let row = 0; row < train.count; row++) {
    smoothness += ((weights[row] ?? 0) * head.curvature(train.features, row * train.width)) / train.count;
  }
  const each = (y: Float64Array, act: (at: number, label: number, weight: number) => void): number => {
    let sum = 0;
    for (let row = 0; row < train.count; row++) {
      const [at, label, weight] = [row * train.width, train.labels[row] ?? 0, (weights[row] ?? 0) / train.count];
      sum += weight * head.loss(y, train.features, at, label);
      act(at, label, weight);
    }
    return sum;
  };
  const addPenalty = (values: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + mu * (values[i] ?? 0);
  };
  return {
    lower: {
      dim: head.size,
      thetaDim: 0,
      mu: () => mu,
      smoothness: () => smoothness,
      value: (y) => each(y, () => undefined) + (mu / 2) * y.reduce((sum, value) => sum + value * value, 0),
      gradient(y, _, out) {
        out.fill(0);
        each(y, (at, label, weight) => head.addGradient(train.features, at, label, weight, out));
        addPenalty(y, out);
      },
      hessianVector(y, _, v, out) {
        out.fill(0);
        each(y, (at, _label, weight) => head.addHessianVector(v, train.features, at, weight, out));
        addPenalty(v, out);
      },
      crossTransposed: () => undefined,
    },
    accuracy(y) {
      let right = 0;
      for (let row = 0; row < test.count; row++) {
        const label = test.labels[row] ?? 0;
        head.loss(y, test.features, row * test.width, label);
        right += head.likeliest === label ? 1 : 0;
      }
      return right / test.count;
    },
  };
}
