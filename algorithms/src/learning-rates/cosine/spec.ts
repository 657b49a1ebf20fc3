/** Registration: options and ranges of the cosine schedule. */
import { z } from "zod";
import { finalOptions, finalRanges, warmUpOptions, warmUpRanges } from "../../settings/schedule-settings.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({ ...warmUpOptions, ...finalOptions });
export type CosineSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "cosine",
  summary: "The learning rate falls along half a cosine to its final share at the planned end.",
  source: "Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5, without restarts",
  options,
  ranges: { ...warmUpRanges, ...finalRanges },
});
