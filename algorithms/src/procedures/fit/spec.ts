/** Registration of fit: options. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";

const options = z.strictObject({});
export type FitOptions = z.infer<typeof options>;

export const spec: ProcedureSpec<FitOptions> = {
  name: "fit",
  summary: "Trains the workload's model with fixed hyperparameters.",
  source: "Robbins and Monro, Annals of Mathematical Statistics 22 (1951): stochastic gradient steps",
  options,
  learnsInside: false,
  takes: ["schedule"],
};
