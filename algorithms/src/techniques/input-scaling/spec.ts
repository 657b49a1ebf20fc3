/** Registration of input-scaling: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** The range of the self-tuning networks' experiments. */
const scalingMax = 0.3;
const options = z.strictObject({
  /** Fixes the strength. */
  inputScaling: z.number().min(0).max(100).optional(),
});
export type InputScalingOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<InputScalingOptions> = {
  name: "input-scaling",
  summary: "Multiplies each example's inputs by a random number near 1 while training.",
  source: "MacKay et al., Self-Tuning Networks, ICLR 2019, released code",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      inputScaling: {
        range: { min: 0, max: scalingMax },
        fallback: 0.05,
      },
    }),
};
