/**
 * Data hyper-cleaning: one logit for every training sample says how much its label is to be trusted. Lower level: a linear softmax head on weighted
 * samples, g(x, y) = 1/n sum sigmoid(x_i) CE_i(y) + mu/2 |y|^2. Upper level: its mean cross entropy on clean validation samples.
 *
 * Source: Franceschi et al., "Forward and reverse gradient-based hyperparameter optimization", ICML 2017, section 5.1, as posed in arXiv 2401.09587.
 * Flips are fixed for each sample and validation is clean, or the task could not be learned; the penalty is squared, so that g is strongly convex.
 */
import { assert } from "@regulus/proto";
import { createRng } from "../../core/index.js";
import type { LabelledRows } from "../../data/pooled-digits.js";
import type { Draw, StochasticProblem } from "../stochastic-problem.js";
import { shardRanges } from "../summation-tree.js";
import { batchRows } from "./sample-batch.js";
import { SoftmaxHead } from "./softmax-head.js";

export interface HyperCleaningData {
  readonly classes: number;
  /** With the labels as given: some are wrong. */
  readonly train: LabelledRows;
  /** Clean. */
  readonly valid: LabelledRows;
  /** Clean, and for measuring alone. */
  readonly test: LabelledRows;
  /** Which training labels are right: for measuring alone. */
  readonly clean: readonly boolean[];
}

export interface HyperCleaningSettings {
  /** Penalty of the lower level, at least 1e-3. */
  readonly mu: number;
  /** Blocks that samples lie in. */
  readonly units: number;
  /** Training samples of one draw, and validation samples; those of a unit are drawn without replacement. */
  readonly batchSize: number;
  readonly validBatchSize: number;
  /** Of the minibatches. */
  readonly seed: number;
  /** Where every logit starts. */
  readonly logit: number;
}

export function createHyperCleaning(data: HyperCleaningData, settings: HyperCleaningSettings): StochasticProblem {
  const { classes, train, valid, test } = data;
  const { mu, units } = settings;
  assert(units >= 1 && units <= Math.min(train.count, valid.count, test.count), `a unit has samples of each split: saw ${units}`);
  const head = new SoftmaxHead(classes, train.width);
  const [trainRanges, validRanges, testRanges] = [train, valid, test].map(({ count }) => shardRanges(count, units));
  const rng = createRng(settings.seed).fork("hyper-cleaning");
  const batch = (role: "train" | "valid", which: string, { draw, unit }: Draw) => {
    const rows = role === "train" ? train : valid;
    const range = (role === "train" ? trainRanges : validRanges)?.[unit] ?? { lo: 0, hi: 0 };
    const wanted = role === "train" ? settings.batchSize : settings.validBatchSize;
    const chosen = batchRows(rng.fork(which, draw, unit), range, Math.max(1, Math.round(wanted / units)));
    // Each unit stands for its own rows, however few are drawn: the estimate has no bias.
    return { rows, chosen, scale: (range.hi - range.lo) / (chosen.length * rows.count) };
  };
  const features = { train: train.features, valid: valid.features };
  return {
    upperDim: train.count,
    lowerDim: head.size,
    units,
    lower: "shared",
    kappa: responseBound(train, head) / mu,
    start: { x: new Float64Array(train.count).fill(settings.logit), y: new Float64Array(head.size) },
    upperRange: (unit) => ({ from: trainRanges?.[unit]?.lo ?? 0, to: trainRanges?.[unit]?.hi ?? 0 }),
    lowerGradient({ x, y }, of, out) {
      const { chosen, scale } = batch("train", "lower", of);
      let smoothness = mu / units;
      for (const row of chosen) {
        const [at, label, weight] = [row * train.width, train.labels[row] ?? 0, scale * sigmoid(x[row] ?? 0)];
        head.loss(y, features.train, at, label);
        head.addGradient(features.train, at, label, weight, out);
        smoothness += weight * head.curvature(features.train, at);
      }
      for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (mu / units) * (y[i] ?? 0);
      return smoothness;
    },
    adjointResidual({ x, y, z }, of, out) {
      const lower = batch("train", "product", of);
      let smoothness = mu / units;
      for (const row of lower.chosen) {
        const [at, weight] = [row * train.width, lower.scale * sigmoid(x[row] ?? 0)];
        head.loss(y, features.train, at, train.labels[row] ?? 0);
        head.addHessianVector(z, features.train, at, weight, out);
        smoothness += weight * head.curvature(features.train, at);
      }
      const upper = batch("valid", "upper", of);
      let upperLoss = 0;
      for (const row of upper.chosen) {
        const [at, label] = [row * valid.width, valid.labels[row] ?? 0];
        upperLoss += upper.scale * head.loss(y, features.valid, at, label);
        head.addGradient(features.valid, at, label, -upper.scale, out);
      }
      for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (mu / units) * (z[i] ?? 0);
      return { smoothness, upperLoss };
    },
    direction({ x, y, z }, of, out) {
      // f does not depend on x itself.
      const { chosen, scale } = batch("train", "cross", of);
      const from = trainRanges?.[of.unit]?.lo ?? 0;
      for (const row of chosen) {
        const [at, label, trust] = [row * train.width, train.labels[row] ?? 0, sigmoid(x[row] ?? 0)];
        head.loss(y, features.train, at, label);
        const along = head.gradientAlong(z, features.train, at, label);
        out[row - from] = (out[row - from] ?? 0) - scale * trust * (1 - trust) * along;
      }
    },
    metrics: ["validLoss", "validError", "testLoss", "testError", "cleanAuc"],
    evaluate({ x, y }, unit) {
      const share = (rows: LabelledRows, range: { lo: number; hi: number } | undefined) => {
        let [loss, errors] = [0, 0];
        for (let row = range?.lo ?? 0; row < (range?.hi ?? 0); row++) {
          const label = rows.labels[row] ?? 0;
          loss += head.loss(y, rows.features, row * rows.width, label) / rows.count;
          errors += head.likeliest === label ? 0 : 1 / rows.count;
        }
        return [loss, errors];
      };
      // A rank statistic is no sum over units; the first unit gives all of it.
      const auc = unit === 0 ? rankAuc(x, data.clean) : 0;
      return [...share(valid, validRanges?.[unit]), ...share(test, testRanges?.[unit]), auc];
    },
  };
}

/**
 * Share of pairs (clean, flipped) in which the clean sample has the greater logit, ties counting half; 0.5 where one kind is missing.
 * Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
 */
export function rankAuc(logits: ArrayLike<number>, clean: readonly boolean[]): number {
  const order = Array.from({ length: clean.length }, (_, i) => i).sort((a, b) => (logits[a] ?? 0) - (logits[b] ?? 0));
  let [below, pairs, wins] = [0, 0, 0];
  for (let at = 0; at < order.length; ) {
    let [end, flippedHere, cleanHere] = [at, 0, 0];
    for (; end < order.length && logits[order[end] ?? 0] === logits[order[at] ?? 0]; end++) {
      if (clean[order[end] ?? 0] === true) cleanHere += 1;
      else flippedHere += 1;
    }
    wins += cleanHere * (below + flippedHere / 2);
    below += flippedHere;
    at = end;
  }
  pairs = below * (clean.length - below);
  return pairs === 0 ? 0.5 : wins / pairs;
}

/** Norm of d2g / dx dy at most: columns of length at most sigmoid' |p - e| |f| / n, one a sample. */
function responseBound(train: LabelledRows, head: SoftmaxHead): number {
  let squared = 0;
  for (let row = 0; row < train.count; row++) squared += 0.25 ** 2 * 2 * 2 * head.curvature(train.features, row * train.width);
  return Math.sqrt(squared) / train.count;
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}
