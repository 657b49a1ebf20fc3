/** Registration of the loss head mean-squared-error. */
import { z } from "zod";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({});
export type MeanSquaredErrorSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "mean-squared-error",
  summary: "The mean of the squared distances between outputs and targets.",
  source: "Hui and Belkin, Evaluation of neural architectures trained with square loss vs cross-entropy, ICLR 2021 (for classes)",
  options,
  ranges: {},
});
