/** Registration: options and ranges of the linear schedule. */
import { z } from "zod";
import { finalOptions, finalRanges, warmUpOptions, warmUpRanges } from "../../settings/schedule-settings.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({ ...warmUpOptions, ...finalOptions });
export type LinearSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "linear",
  summary: "The learning rate falls in a straight line to its final share at the planned end.",
  source: "Defazio et al., Optimal linear decay learning rate schedules and further refinements, arXiv:2310.07831, section 1",
  options,
  ranges: { ...warmUpRanges, ...finalRanges },
});
