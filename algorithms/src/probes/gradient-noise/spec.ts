/** Registration: options and metrics of the probe gradient-noise. */
import { z } from "zod";
import type { ProbeSpec } from "../../core/index.js";

const options = z.strictObject({
  /** Rows of the train split, the first ones, whose gradients are taken one by one. */
  rows: z.int().min(2).max(4096).default(64),
});
export type GradientNoiseOptions = z.infer<typeof options>;

export const spec: ProbeSpec<GradientNoiseOptions> = {
  name: "gradient-noise",
  summary: "How much gradients of single examples differ: their variance, the norm of their mean, and the simple noise scale.",
  source: "McCandlish et al., An empirical model of large-batch training, arXiv:1812.06162, equation 2.9 and appendix A.1",
  options,
  metrics: () => ["gradientNorm", "gradientVariance", "gradientNoiseScale"],
};
