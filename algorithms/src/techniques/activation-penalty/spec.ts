/** Registration of activation-penalty: options and hyperparameters. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { realParameter } from "../../settings/parameters.js";

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
    (["activationPenalty", "temporalPenalty"] as const)
      .filter((name) => fixed[name] === undefined)
      .map((name) => ({
        parameter: realParameter(name, { min: 1e-3, max: 10, scale: Scale.SCALE_LOG }),
        fallback: 0.05,
        inside: true,
        // One term of the batch's mean loss.
        sharedInBatch: true,
      })),
};
