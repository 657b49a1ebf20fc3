/** What answers questions about samples: the port between a round and whoever solves them. */
import type { SampleSolve } from "../../solvers/answer-sample.js";
import type { AnsweredSample, RespondQuestion, RespondTask, WarmStart } from "../../solvers/respond.js";

/** Whoever answers for samples: a workload in this process, or a program of the user's own. Its answers depend on their arguments alone. */
export interface RespondAnswerer {
  /** Samples m; at least 1. */
  readonly samples: number;
  /** Hyperparameters to begin with [p]. */
  readonly theta: readonly number[];
  /**
   * Answers for sample `index`, from 0. `start` is the solution to start from; absent for the sample's own start. A long solve may be answered in
   * parts, with the same bits: what is on its way comes back, and is given as `solve` when the same is asked again. Undefined where it was asked to
   * stop before it had an answer: then nothing has happened.
   */
  answer(
    index: number,
    question: RespondQuestion,
    start: WarmStart | undefined,
    solve: SampleSolve | undefined,
  ): Promise<AnsweredSample | undefined> | AnsweredSample | SampleSolve;
  /** Artifacts of solutions, by sample. */
  results?: RespondTask["results"];
  close(): void;
}
