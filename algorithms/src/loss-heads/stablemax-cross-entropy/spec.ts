/** Registration of the loss head stablemax-cross-entropy. */
import { z } from "zod";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({});
export type StablemaxCrossEntropySettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "stablemax-cross-entropy",
  summary: "Cross entropy with stablemax instead of softmax: gradients do not vanish in float32 when outputs grow.",
  source: "Prieto et al., Grokking at the edge of numerical stability, ICLR 2025, definition of StableMax",
  options,
  ranges: {},
});
