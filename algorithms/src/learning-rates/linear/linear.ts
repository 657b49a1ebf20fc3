/** The rate falls in a straight line, after the warm-up. */
import type { LearningRateModule } from "../../training/contracts/learning-rate.js";
import { warmedUp } from "../warm-up.js";
import { type LinearSettings, spec } from "./spec.js";

export const module: LearningRateModule<LinearSettings> = {
  spec,
  create: ({ warmUpShare, finalShare }) => ({
    rate: (context) => warmedUp(context, warmUpShare, (share) => 1 - (1 - finalShare) * share),
  }),
};
