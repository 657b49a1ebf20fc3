/** Registration of input-noise: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const options = z.strictObject({
  /** Fixes the standard deviation. */
  inputNoise: z.number().min(0).max(1e6).optional(),
});
export type InputNoiseOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<InputNoiseOptions> = {
  name: "input-noise",
  summary: "Adds Gaussian noise to the inputs while training.",
  source: "Bishop, Neural Computation 7 (1995), equation 1",
  options,
  hyperparameters: (fixed) => freeHyperparameters(fixed, { inputNoise: { range: { min: 0, max: 1 }, fallback: 0.05 } }),
};
