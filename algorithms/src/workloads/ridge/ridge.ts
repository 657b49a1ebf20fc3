/**
 * Linear regression without bias on rows of a random problem. Switch on weight-decay, and the best weights for each strength are those of
 * `ridgeWeights`: what a search or a self-tuning network finds can be held against the truth.
 */
import * as tf from "@tensorflow/tfjs";
import { createRng, type Rng } from "../../core/index.js";
import { drawRidgeRows, drawRidgeWeights, type RidgeRows } from "../../data/ridge-problem.js";
import { trainingOf } from "../../settings/training-settings.js";
import type { Split, WorkloadModule } from "../../training/contracts/workload.js";
import { halfSquaredError } from "../../training/network/losses.js";
import { type RidgeOptions, ridgeTraining, spec } from "./spec.js";

export const module: WorkloadModule<RidgeOptions> = {
  spec,
  async open({ options, hyperparameters, seed }) {
    const splits = ridgeSplits(options, createRng(seed));
    const { trainSize, tuneSize, validSize, testSize, dimension } = options;
    return {
      sizes: { train: trainSize, tune: tuneSize, valid: validSize, test: testSize },
      training: trainingOf(hyperparameters, options, ridgeTraining),
      batch(split, rows) {
        const { inputs, targets } = splits[split];
        const taken = Float32Array.from({ length: rows.length * dimension }, (_, i) => {
          return inputs[(rows[Math.floor(i / dimension)] ?? 0) * dimension + (i % dimension)] ?? 0;
        });
        const wanted = Float32Array.from(rows, (row) => targets[row] ?? 0);
        return { inputs: tf.tensor2d(taken, [rows.length, dimension]), targets: tf.tensor2d(wanted, [rows.length, 1]) };
      },
      forward: (net, inputs) => net.dense("linear", inputs, { units: 1, bias: false }),
      loss: halfSquaredError,
      metrics: () => ({}),
      close: () => undefined,
    };
  },
};

/** The rows of every split of a seed, in double precision. */
export function ridgeSplits(options: RidgeOptions, rng: Rng): Readonly<Record<Split, RidgeRows>> {
  const truth = drawRidgeWeights(options, rng.fork("truth"));
  const draw = (split: Split, count: number) => drawRidgeRows(count, truth, options.noise, rng.fork(split));
  return {
    train: draw("train", options.trainSize),
    tune: draw("tune", options.tuneSize),
    valid: draw("valid", options.validSize),
    test: draw("test", options.testSize),
  };
}
