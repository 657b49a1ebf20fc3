/** Registration of weight-decay: options and hyperparameters. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const options = z.strictObject({
  /** Fixes the strength. */
  weightDecay: z.number().min(0).max(1e6).optional(),
});
export type WeightDecayOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<WeightDecayOptions> = {
  name: "weight-decay",
  summary: "Adds half the strength times the squared norm of all kernels to the loss.",
  source: "Krogh and Hertz, NIPS 1991, equation 1",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      weightDecay: {
        range: { min: 1e-6, max: 1e-2, scale: Scale.SCALE_LOG },
        fallback: 1e-4,
        sharedInBatch: true,
      },
    }),
};
