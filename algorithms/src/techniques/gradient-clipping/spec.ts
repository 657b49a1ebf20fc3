/** Registration of gradient-clipping: options and hyperparameters. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const options = z.strictObject({
  /** Fixes the greatest norm. */
  clipNorm: z.number().positive().max(1e6).optional(),
});
export type GradientClippingOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<GradientClippingOptions> = {
  name: "gradient-clipping",
  summary: "Scales the gradient of all weights together down to a maximal norm.",
  source: "Pascanu, Mikolov and Bengio, ICML 2013, algorithm 1",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      clipNorm: {
        range: { min: 0.01, max: 100, scale: Scale.SCALE_LOG },
        fallback: 1,
        // It acts on the step, not on the loss: the weights that a batch leads to say nothing of where training ends.
        inside: false,
        sharedInBatch: true,
      },
    }),
};
