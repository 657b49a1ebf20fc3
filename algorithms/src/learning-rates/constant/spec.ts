/** Registration: the constant learning rate, after an optional warm-up. */
import { z } from "zod";
import { warmUpOptions, warmUpRanges } from "../../settings/schedule-settings.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({ ...warmUpOptions });
export type ConstantSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "constant",
  summary: "The base learning rate at every step, after an optional linear warm-up.",
  source: "Robbins and Monro, Annals of Mathematical Statistics 22 (1951); warm-up: Goyal et al., arXiv:1706.02677, section 2.2",
  options,
  ranges: warmUpRanges,
});
