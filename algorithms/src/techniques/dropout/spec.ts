/** Registration of dropout: options and hyperparameters. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

/** Above this a layer hardly trains, and its gradients grow by 1/(1 - rate). */
const rateMax = 0.9;
const rate = z.number().min(0).max(rateMax).optional();
const options = z.strictObject({
  /** Fixes the rate at sites of kind input. */
  inputDropout: rate,
  /** Fixes the rate at sites of kind hidden. */
  hiddenDropout: rate,
});
export type DropoutOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<DropoutOptions> = {
  name: "dropout",
  summary: "Sets activations to zero at random and scales the others up.",
  source: "Srivastava et al., JMLR 15 (2014), in the inverted form",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      inputDropout: { range: { min: 0, max: rateMax }, fallback: 0.05 },
      hiddenDropout: { range: { min: 0, max: rateMax }, fallback: 0.05 },
    }),
};
