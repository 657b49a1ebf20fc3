/** One rate for all steps, after the warm-up. */
import type { LearningRateModule } from "../../training/contracts/learning-rate.js";
import { warmedUp } from "../warm-up.js";
import { type ConstantSettings, spec } from "./spec.js";

export const module: LearningRateModule<ConstantSettings> = {
  spec,
  create: ({ warmUpShare }) => ({ rate: (context) => warmedUp(context, warmUpShare, () => 1) }),
};
