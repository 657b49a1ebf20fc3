/** Registration: options and ranges of Adam. */
import { z } from "zod";
import { adamOptions, adamRanges } from "../../settings/adam-settings.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({ ...adamOptions });
export type AdamSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "adam",
  summary: "Steps of the gradient's running mean over the root of its running mean square, both bias-corrected.",
  source: "Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1",
  options,
  ranges: adamRanges,
});
