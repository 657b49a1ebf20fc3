/** Registration of the loss head softmax-cross-entropy. */
import { z } from "zod";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({});
export type SoftmaxCrossEntropySettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "softmax-cross-entropy",
  summary: "Cross entropy of the softmax of the outputs, a mean over places if an example has several.",
  source: "Bridle, Neurocomputing (1990), 227-236; in the stable form of algorithms/src/kernels/losses.ts",
  options,
  ranges: {},
});
