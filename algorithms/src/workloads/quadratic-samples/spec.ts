/** Registration of quadratic-samples: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";

const options = z
  .strictObject({
    /** Samples, each a problem of its own with the same hyperparameters. */
    samples: z.int().min(1).max(10_000).default(6),
    /** Unknowns of a sample. */
    dim: z.int().min(1).max(500).default(6),
    /** Hyperparameters. */
    hyperparameters: z.int().min(1).max(500).default(4),
    /** Rows of each matrix. */
    rows: z.int().min(1).max(10_000).default(40),
    /** Standard deviation of the noise on the right-hand sides. */
    noise: z.number().min(0).max(1e3).default(0.1),
    /** Weight of the squared norm in the lower level. */
    ridge: z.number().min(0).max(1e6).default(1),
    /** Where every hyperparameter begins. */
    start: z.number().min(-1e3).max(1e3).default(1),
  })
  // With fewer rows the upper loss has many minimizers and the closed form none.
  .refine(({ rows, dim }) => rows >= dim, {
    path: ["rows"],
    message: "expected at least as many rows as dim, the unknowns of a sample",
  });
export type QuadraticSamplesOptions = z.output<typeof options>;

export const spec: WorkloadSpec<QuadraticSamplesOptions> = {
  name: "quadratic-samples",
  summary: "Regularized least squares problems that share their hyperparameters, with everything known in closed form.",
  source: "MAID, arXiv 2308.10098, section 4.1, with several samples",
  options,
  hyperparameters: () => [],
  metrics: ["upperLoss", "lowerBound", "upperBound"],
  procedure: "respond",
};
