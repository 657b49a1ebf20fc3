/** Registration: the option and the hyperparameter of weight standardization. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import type { TechniqueSpec } from "../../core/index.js";
import { outer, realParameter } from "../../settings/parameters.js";

const options = z.strictObject({
  /** Fixes the norm that every output's weights have. */
  standardizedNorm: z.number().positive().max(1000).optional(),
});
export type WeightStandardizationOptions = z.infer<typeof options>;

export const spec: TechniqueSpec<WeightStandardizationOptions> = {
  name: "weight-standardization",
  summary: "Gives the weights of every output before the last layer mean 0 and one norm, as a view of what is trained.",
  source:
    "Brock, De and Smith, Characterizing signal propagation to close the performance gap in unnormalized ResNets, ICLR 2021, equation 1",
  options,
  hyperparameters: (fixed) =>
    fixed.standardizedNorm !== undefined
      ? []
      : [
          {
            ...outer(realParameter("standardizedNorm", { min: 0.3, max: 3, scale: Scale.SCALE_LOG }), 1),
            sharedInBatch: true,
            held: true,
          },
        ],
};
