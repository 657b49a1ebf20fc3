/** Registration of label-smoothing: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** Three times what is usual; more costs every network calibration, and would only make a search over it look needed. */
const shareMax = 0.3;
const options = z.strictObject({
  /** Fixes the share. */
  labelSmoothing: z.number().min(0).max(1).optional(),
});
export type LabelSmoothingOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<LabelSmoothingOptions> = {
  name: "label-smoothing",
  summary: "Spreads a share of the target's probability evenly over all classes.",
  source: "Szegedy et al., CVPR 2016, section 7",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      labelSmoothing: {
        range: { min: 0, max: shareMax },
        fallback: 0.05,
      },
    }),
};
