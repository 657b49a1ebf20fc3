/** Denoising of images by smoothed total variation: one sample an image, two hyperparameters that all share. */
import { denoisingTask } from "../../data/denoising-samples.js";
import { totalVariation } from "../../solvers/problems/total-variation.js";
import type { RespondModule } from "../../training/contracts/workload.js";
import { spec, type TvDenoisingOptions } from "./spec.js";

export const module: RespondModule<TvDenoisingOptions> = {
  spec,
  respond({ options, hyperparameters, seed }) {
    const theta = Float64Array.of(Number(hyperparameters.logWeight), Number(hyperparameters.logSmoothing));
    return denoisingTask(options, { seed, theta, lowerOf: totalVariation });
  },
};
