/** Registration: stochastic gradient descent. */
import { z } from "zod";
import { trainingPart } from "../../settings/training-part.js";

export const spec = trainingPart({
  name: "sgd",
  summary: "Plain stochastic gradient descent: weights step against the gradient.",
  source: "Robbins and Monro, Annals of Mathematical Statistics 22 (1951)",
  options: z.strictObject({}),
  ranges: {},
});
