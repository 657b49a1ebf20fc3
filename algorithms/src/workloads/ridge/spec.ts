/** Registration of ridge: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { type TrainingDefaults, trainingHyperparameters, trainingOptions } from "../../settings/training-settings.js";

const rows = z.int().min(1).max(100_000);
const options = z.strictObject({
  ...trainingOptions,
  dimension: z.int().min(1).max(1000).default(20),
  trainSize: rows.default(40),
  tuneSize: rows.default(40),
  validSize: rows.default(40),
  testSize: rows.default(1000),
  /** Standard deviation of each true weight. */
  weightDeviation: z.number().min(0).max(1e6).default(0.5),
  /** Standard deviation of the noise on targets. */
  noise: z.number().min(0).max(1e6).default(2),
});
export type RidgeOptions = z.infer<typeof options>;

export const ridgeTraining: TrainingDefaults = { batchSize: 40, optimizer: "sgd", learningRate: 0.1, momentum: 0.9, steps: 1000 };

export const spec: WorkloadSpec<RidgeOptions> = {
  name: "ridge",
  summary: "Linear regression on a random problem; with weight-decay its best weights are known in closed form.",
  source: "Hoerl and Kennard, Technometrics 12 (1970)",
  options,
  hyperparameters: (given) => trainingHyperparameters(given, ridgeTraining),
  metrics: ["trainLoss", "validLoss", "testLoss"],
};
