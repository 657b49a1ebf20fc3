/** Registration of activation-penalty: options and hyperparameters. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { freeHyperparameters } from "../../settings/parameters.js";

const strength = z.number().min(0).max(1000).optional();
const options = z.strictObject({
  /** Fixes the strength on outputs (alpha). */
  activationPenalty: strength,
  /** Fixes the strength on changes over time (beta). */
  temporalPenalty: strength,
});
export type ActivationPenaltyOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<ActivationPenaltyOptions> = {
  name: "activation-penalty",
  summary: "Penalizes the squares of a model's outputs before the logits, and of their changes over time.",
  source: "Merity, McCann and Socher, Revisiting activation regularization, 2017, equations 1 and 2",
  options,
  hyperparameters: (fixed) =>
    freeHyperparameters(fixed, {
      activationPenalty: {
        range: { min: 1e-3, max: 10, scale: Scale.SCALE_LOG },
        fallback: 0.05,
        // One term of the batch's mean loss.
        sharedInBatch: true,
      },
      temporalPenalty: {
        range: { min: 1e-3, max: 10, scale: Scale.SCALE_LOG },
        fallback: 0.05,
        // One term of the batch's mean loss.
        sharedInBatch: true,
      },
    }),
};
