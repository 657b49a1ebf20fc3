/** Registration: options and ranges of the step schedule. */
import { Scale } from "@regulus/proto";
import { z } from "zod";
import { realParameter, wholeParameter } from "../../settings/parameters.js";
import { warmUpOptions, warmUpRanges } from "../../settings/schedule-settings.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({
  ...warmUpOptions,
  /** Share of the steps after the warm-up at which the rate first falls, above 0 to below 1. */
  firstDropShare: z.number().positive().lt(1).default(0.5),
  /** How many times the rate falls: the steps from the first time on are split evenly. */
  drops: z.int().min(1).max(100).default(2),
  /** What the rate is multiplied by at each of them, above 0 to below 1. */
  dropFactor: z.number().positive().lt(1).default(0.1),
});
export type StepSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "step",
  summary: "The learning rate is multiplied by a factor a few times, first at half of the planned steps.",
  source: "He et al., Deep residual learning for image recognition, CVPR 2016, section 4.2: at a half and three quarters",
  options,
  ranges: {
    ...warmUpRanges,
    firstDropShare: realParameter("firstDropShare", { min: 0.2, max: 0.8 }),
    drops: wholeParameter("drops", { min: 1, max: 4 }),
    dropFactor: realParameter("dropFactor", { min: 0.05, max: 0.5, scale: Scale.SCALE_LOG }),
  },
});
