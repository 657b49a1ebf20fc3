/** Registration of evaluate: options. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";

const options = z.strictObject({});
export type EvaluateOptions = z.infer<typeof options>;

export const spec: ProcedureSpec<EvaluateOptions> = {
  name: "evaluate",
  summary: "Evaluates a workload that is a function in closed form; trains nothing.",
  source: "Regulus' own, for tests of strategies and for the dispatch bench",
  options,
  learnsInside: false,
};
