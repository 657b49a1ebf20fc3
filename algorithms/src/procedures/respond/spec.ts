/** Registration of respond: options. */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";

const options = z.strictObject({
  /** Which of the shards: a contiguous range of positions, which samples are dealt to. */
  shard: z.int().min(0).max(100_000).default(0),
  /** Parts that the samples are cut into; fewer where there are fewer samples. */
  shards: z.int().min(1).max(100_000).default(1),
  /** Whether to say only how many samples and which first hyperparameters the workload has. */
  describe: z.boolean().default(false),
  /** Number of the question that is asked, unique in the search; absent for a plain trial, which solves its samples once and reports losses. */
  question: z.int().min(0).optional(),
  /** The question whose solutions the solves start from; absent for each sample's own start. */
  startFrom: z.int().min(0).optional(),
  /** The question whose solutions nobody holds any more, so that the samples start over; told as a finding. */
  lost: z.int().min(0).optional(),
  /**
   * Whether the trial pauses only once a checkpoint with this round's solutions is stored. Where not, they may stay in the process alone until the
   * search's next checkpoint is due, and whoever asks has to ask again for what a lost process held.
   */
  durable: z.boolean().default(true),
  /** Wanted distance of each solution to the minimizer, certified, in the units of the solution. */
  accuracy: z.number().positive().max(1e12).default(1e-3),
  /** Asks for the hypergradient, from adjoint systems solved to this absolute residual. */
  residual: z.number().positive().max(1e12).optional(),
  /** The shard may stop once its sum of upper bounds is above this. */
  rejectAbove: z.number().optional(),
  /** Steps after which one lower or adjoint solve gives up. */
  iterationsMax: z.int().min(1).max(100_000_000).default(100_000),
});
export type RespondOptions = z.output<typeof options>;

export const spec: ProcedureSpec<RespondOptions> = {
  name: "respond",
  summary: "Solves the lower levels of a range of samples and answers a bilevel method's questions about them.",
  source: "MAID, arXiv 2308.10098: Lemma 3.5 for the bounds, Theorem 2.1 for hypergradients",
  options,
  learnsInside: false,
};
