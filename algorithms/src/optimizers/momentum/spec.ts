/** Registration: options and ranges of heavy-ball momentum. */
import { z } from "zod";
import { realParameter } from "../../settings/parameters.js";
import { trainingPart } from "../../settings/training-part.js";

const options = z.strictObject({
  /** Share of the velocity kept at each step, from 0 to below 1. */
  momentum: z.number().min(0).lt(1).default(0.9),
});
export type MomentumSettings = z.infer<typeof options>;

export const spec = trainingPart({
  name: "momentum",
  summary: "Gradient descent with heavy-ball momentum, without dampening.",
  source: "Polyak, USSR Computational Mathematics and Mathematical Physics 4 (1964), equation 9",
  options,
  ranges: { momentum: realParameter("momentum", { min: 0, max: 0.99 }) },
});
