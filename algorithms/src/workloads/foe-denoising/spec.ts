/** Registration of foe-denoising: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { denoisingOptions } from "../../data/denoising-options.js";
import { filterSides } from "../../solvers/problems/filter-sides.js";

/** Filters at most: with 7x7 filters that is 6,529 hyperparameters. */
const filtersMax = 128;

const options = z.strictObject({
  ...denoisingOptions,
  /** Learned filters; those of the cosine basis come first, and random ones follow. */
  filters: z.int().min(1).max(filtersMax).default(8),
  /** Their width and height. */
  side: z.literal(filterSides).default(3),
  /**
   * Filters at the start. cosine: all alike. differences: total variation of these weights and smoothings (differences to the right and below),
   * with the cosine basis behind it at a lesser weight.
   */
  start: z.enum(["cosine", "differences"]).default("cosine"),
  /** Logarithm of every filter's weight at the start. */
  logWeight: z.number().min(-15).max(15).default(-4),
  /** With `differences`, how much less the logarithms of the other filters' weights are. A weight moves the slower the less it is. */
  faint: z.number().min(0).max(15).default(4),
  /** Logarithm of every filter's smoothing at the start. */
  logSmoothing: z.number().min(-15).max(15).default(-4),
});
export type FoeDenoisingOptions = z.infer<typeof options>;

export const spec: WorkloadSpec<FoeDenoisingOptions> = {
  name: "foe-denoising",
  summary: "Denoising of images by a convex field of experts; filters, weights and smoothings are learned.",
  source: "MAID, arXiv 2308.10098, section 4.4; Roth and Black, IJCV 82 (2009)",
  options,
  hyperparameters: () => [],
  metrics: ["upperLoss", "lowerBound", "upperBound", "psnr"],
  procedure: "respond",
};
