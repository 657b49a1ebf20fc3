/** Registration: options and hyperparameters of progressive self-knowledge distillation. */
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const options = z.strictObject({
  /** Fixes the last pass's share of the target that the network's own earlier prediction has. */
  selfDistillation: z.number().min(0).max(1).optional(),
});
export type PsKdOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<PsKdOptions> = {
  name: "ps-kd",
  summary: "Mixes the network's own prediction of the pass before into each target, more with every pass.",
  source: "Kim et al., Self-knowledge distillation with progressive refinement of targets, ICCV 2021, equation 4",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      selfDistillation: {
        range: { min: 0.3, max: 0.9 },
        fallback: 0.8,
        // Its share grows over the whole planned length, so that a gradient in the middle says little of its end.
        inside: false,
        sharedInBatch: true,
      },
    }),
};
