/** Registration of tv-denoising: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { denoisingOptions } from "../../data/denoising-options.js";
import { outer, realParameter } from "../../settings/parameters.js";

const options = z.strictObject(denoisingOptions);
export type TvDenoisingOptions = z.infer<typeof options>;

/** Where both logarithms begin, and their range for black-box searches. */
export const tvStart = -5;
const range = { min: -10, max: 0 };

export const spec: WorkloadSpec<TvDenoisingOptions> = {
  name: "tv-denoising",
  summary: "Denoising of images by smoothed total variation; its weight and smoothing are tuned.",
  source: "MAID, arXiv 2308.10098, section 4.3",
  options,
  hyperparameters: () => [
    outer(realParameter("logWeight", range), tvStart),
    outer(realParameter("logSmoothing", range), tvStart),
  ],
  metrics: ["upperLoss", "lowerBound", "upperBound", "psnr"],
  procedure: "respond",
};
