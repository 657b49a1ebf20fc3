/** Registration of combine: options and what it takes. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";
import { precisions, predictionsKinds } from "../../predictions/index.js";

/** Weights of a member that has one. Beyond these a sum of weighted probabilities would overflow, or vanish. */
const [weightMin, weightMax] = [1e-15, 1e15];
const weight = z
  .number()
  .refine((value) => value === 0 || (value >= weightMin && value <= weightMax), `0, or ${weightMin} to ${weightMax}`);

const options = z.strictObject({
  /** What is averaged: probabilities, or logits (their normalized geometric mean). */
  mean: z.enum(["probabilities", "logits"]).default("probabilities"),
  /** Weight of each member, in the order in which they are first given; all alike where absent. */
  weights: z.array(weight).optional(),
  /** Bins of the calibration error. */
  bins: z.int().min(1).max(1000).default(15),
  /** Leave the combined predictions as well, in this precision; none where absent. */
  leaves: z.enum(precisions).optional(),
});
export type CombineOptions = z.infer<typeof options>;

export const spec: ProcedureSpec<CombineOptions> = {
  name: "combine",
  summary: "Averages the stored predictions of trials and measures the ensemble; trains nothing and opens no model.",
  source: "Hansen and Salamon, Neural network ensembles, IEEE PAMI 12 (1990); logits: arXiv 2509.14786, section 1.2",
  options,
  learnsInside: false,
  takes: predictionsKinds,
  withoutParameters: true,
};
