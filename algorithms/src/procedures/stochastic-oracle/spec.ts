/** Registration of stochastic-oracle: options. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";

const options = z.strictObject({
  /**
   * What is asked. plain: no question; the lower level is trained by stochastic gradient at the first upper variables. describe: sizes and starts.
   * lower, adjoint, direction, joint: estimates where all samples share one y. owned: a direction of tasks that keep their own y and z. evaluate:
   * exact metrics. close: the outcome is given, and reported as this trial's.
   */
  kind: z.enum(["plain", "describe", "lower", "adjoint", "direction", "joint", "owned", "evaluate", "close"]).default("plain"),
  /** Number of the oracle round, which keys its minibatches. */
  draw: z.int().min(0).default(0),
  /** The units that this trial answers for, [lo, hi); hi absent for all from lo on. */
  lo: z.int().min(0).max(1_000_000).default(0),
  hi: z.int().min(1).max(1_000_000).optional(),
  /** Whether tasks refresh their y before they answer. */
  refresh: z.boolean().default(false),
  /** Versions of x, y and z that the trial holds once it has this question; the strategy's own memory. */
  versions: z.array(z.int().min(-1)).max(3).default([]),
  /** Rate of lower steps, and of steps on the linear system, of tasks that own their y; the first also of a plain trial. */
  lowerRate: z.number().positive().max(1e6).default(0.05),
  adjointRate: z.number().positive().max(1e6).default(0.01),
  /** Lower steps of a refresh of tasks that own their y, and the radius that they keep to; 0 for none. */
  innerSteps: z.int().min(1).max(100_000).default(3),
  radius: z.number().min(0).max(1e12).default(0),
  /** Steps of a plain trial where nothing else says. */
  steps: z.int().min(1).max(1_000_000_000).default(500),
});
export type StochasticOracleOptions = z.output<typeof options>;

export const spec: ProcedureSpec<StochasticOracleOptions> = {
  name: "stochastic-oracle",
  summary: "Answers a stochastic bilevel method's questions about a range of a workload's samples or tasks.",
  source: "Hao, Gong, Liu, Bilevel optimization under unbounded smoothness, ICLR 2024 (arXiv 2401.09587), algorithm 2",
  options,
  learnsInside: false,
};
