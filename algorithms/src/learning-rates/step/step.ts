/** The rate falls by a factor a few times, after the warm-up: by default at a half and three quarters of the other steps. */
import type { LearningRateModule } from "../../training/contracts/learning-rate.js";
import { warmedUp } from "../warm-up.js";
import { type StepSettings, spec } from "./spec.js";

export const module: LearningRateModule<StepSettings> = {
  spec,
  create: ({ warmUpShare, firstDropShare, drops, dropFactor }) => ({
    rate: (context) => warmedUp(context, warmUpShare, (share) => dropFactor ** dropsBy(share, firstDropShare, drops)),
  }),
};

/** How often the rate has fallen. The steps from the first drop to the end are split evenly. */
function dropsBy(share: number, first: number, drops: number): number {
  return share < first ? 0 : Math.min(drops, 1 + Math.floor(((share - first) / (1 - first)) * drops));
}
