/** Registration: options and ranges of AdamW. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import { adamOptions, adamRanges } from "../../settings/adam-settings.js";
import { realParameter } from "../../settings/parameters.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({
  ...adamOptions,
  /** Kernels shrink by this times the scheduled learning rate at each step. */
  decoupledWeightDecay: z.number().min(0).max(1000).default(0.01),
});
export type AdamWSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "adamw",
  summary: "Adam whose kernels also shrink by a decay times the scheduled learning rate, apart from the gradient.",
  source: "Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2",
  options,
  ranges: {
    ...adamRanges,
    decoupledWeightDecay: realParameter("decoupledWeightDecay", { min: 1e-4, max: 10, scale: Scale.SCALE_LOG }),
  },
});
