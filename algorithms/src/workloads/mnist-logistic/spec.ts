/** Registration of mnist-logistic: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { mnistTrainImages } from "../../data/mnist-sizes.js";

const options = z
  .strictObject({
    /** Windows along one side that an image is averaged to. */
    side: z.literal([4, 7, 14]).default(7),
    /** Images of the official training set, parted into folds. */
    size: z.int().min(20).max(mnistTrainImages).default(2000),
    /** Samples: fold i trains on all other folds and is judged on its own. 1: the first half trains, the second judges. */
    folds: z.int().min(1).max(100).default(1),
    /** Logarithm of every weight's penalty at the start. */
    logPenalty: z.number().min(-15).max(15).default(-3),
  })
  .refine(({ size, folds }) => size >= 2 * folds, { path: ["folds"], message: "expected at least two images a fold" });
export type MnistLogisticOptions = z.infer<typeof options>;

export const spec: WorkloadSpec<MnistLogisticOptions> = {
  name: "mnist-logistic",
  summary: "Multinomial logistic regression on small MNIST digits with a penalty to tune for every weight.",
  source: "MAID, arXiv 2308.10098, section 4.2; Pedregosa, arXiv 1602.02355",
  options,
  hyperparameters: () => [],
  metrics: ["upperLoss", "lowerBound", "upperBound", "validError", "testLoss", "testError"],
  procedure: "respond",
};
