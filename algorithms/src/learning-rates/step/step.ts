/** The rate falls by a factor a few times, after the warm-up: with two drops at one and two thirds of the other steps. */
import type { LearningRateModule } from "../../training/learning-rate.js";
import { warmedUp } from "../warm-up.js";
import { type StepSettings, spec } from "./spec.js";

export const module: LearningRateModule<StepSettings> = {
  spec,
  create: ({ warmUpShare, drops, dropFactor }) => ({
    rate: (context) => warmedUp(context, warmUpShare, (share) => dropFactor ** Math.min(drops, Math.floor(share * (drops + 1)))),
  }),
};
