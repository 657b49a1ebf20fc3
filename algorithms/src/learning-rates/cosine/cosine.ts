/** The rate falls along half a cosine, after the warm-up. Source: Loshchilov and Hutter, ICLR 2017, equation 5. */
import type { LearningRateModule } from "../../training/contracts/learning-rate.js";
import { warmedUp } from "../warm-up.js";
import { type CosineSettings, spec } from "./spec.js";

export const module: LearningRateModule<CosineSettings> = {
  spec,
  create: ({ warmUpShare, finalShare }) => ({
    rate: (context) =>
      warmedUp(context, warmUpShare, (share) => finalShare + ((1 - finalShare) * (1 + Math.cos(Math.PI * share))) / 2),
  }),
};
