/** Registration of hyper-cleaning: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";

const rows = z.int().min(1).max(20_000);
const options = z.strictObject({
  /** Training images, one upper variable each; with `shards` and `steps` it decides how large the search's log gets. */
  trainSize: rows.default(1000),
  /** Clean images that the upper level is judged by. */
  validSize: rows.default(500),
  /** Images of the test set, for measuring alone. */
  testSize: z.int().min(1).max(10_000).default(2000),
  /** Digits to tell apart: 0 up to, not including, this one. */
  classes: z.int().min(2).max(10).default(10),
  /** Share of the training labels that are replaced by another class, drawn once for each image. */
  flipRate: z.number().min(0).max(0.9).default(0.3),
  /** Windows of pixels along one side of an image, whose means are the features. */
  side: z.literal([4, 7, 14, 28]).default(7),
  /** Penalty of the lower level. */
  mu: z.number().min(1e-3).max(1e3).default(0.01),
  /** Blocks that samples lie in; no more shards than these. */
  units: z.int().min(1).max(1024).default(16),
  /** Training images, and validation images, of one minibatch. */
  batchSize: z.int().min(1).max(20_000).default(256),
  validBatchSize: z.int().min(1).max(20_000).default(256),
  /** Where every logit starts. */
  logit: z.number().min(-20).max(20).default(1),
});
export type HyperCleaningOptions = z.output<typeof options>;

export const spec: WorkloadSpec<HyperCleaningOptions> = {
  name: "hyper-cleaning",
  summary: "MNIST with wrong training labels: one logit per image weights its loss, tuned on clean images.",
  source: "Franceschi et al., Forward and reverse gradient-based hyperparameter optimization, ICML 2017, section 5.1",
  options,
  hyperparameters: () => [],
  metrics: ["validLoss", "validError", "testLoss", "testError", "cleanAuc"],
  procedure: "stochastic-oracle",
};
