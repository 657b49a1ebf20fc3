/**
 * What a bilevel method is to those who carry its questions to samples: a fold over answers. Its state is plain data (it survives JSON and
 * structuredClone), it has no samples, no solvers and no clock; `driveLocally` or a strategy answers it. Sources: see maid.ts and hoag.ts.
 */
import type { ReducedAnswer, RespondQuestion } from "../respond.js";

/** A question that a method waits for. */
export interface OpenQuestion {
  /** Unique in a run and ascending; the same whatever was asked ahead. */
  readonly id: number;
  /** What every sample is asked, but for `commit`, which follows from `startFrom`. */
  readonly question: Omit<RespondQuestion, "commit">;
  /**
   * The question whose solutions are the warm starts; null for each sample's own start. It is the newest committed question or the one answered
   * just before, so that a session needs to keep two sets of solutions: `commit` is whether it differs from what was committed last.
   */
  readonly startFrom: number | null;
  /** Whether the answer may turn out not to be needed. */
  readonly speculative: boolean;
}

/** Why a method ended. */
export type FinishReason =
  /** The hypergradient is within the tolerance. */
  | "converged"
  /** No more decrease can be certified at the accuracy that the arithmetic, or the least accuracy asked for, gives. */
  | "attainable-accuracy"
  /** Its steps or its work are used up. */
  | "budget"
  /** Every step leads out of the box of hyperparameters. */
  | "box"
  | "not-strongly-convex"
  /** The loss or the hypergradient is not a number, and going back did not help. */
  | "not-finite"
  /** The check of the descent direction is on, and the problem gives no Lipschitz constants. */
  | "no-bound";

/** What an outer iteration came to: a step, or a refusal with its reason in words. */
export interface IterationRecord {
  /** Steps accepted so far, this one included. */
  readonly step: number;
  readonly accepted: boolean;
  /**
   * upperLoss, upperBound, lowerBound (of the mean upper loss at the present hyperparameters), stepLength (alpha), gradientNorm (of the
   * hypergradient), slope (of the loss along the direction stepped), accuracy (worst reached), residual, psi (not above 0 where accepted), work
   * (lower and adjoint steps of all samples), trials; bound (omega) where known; what samples report besides (psnr). Finite numbers only.
   */
  readonly metrics: Readonly<Record<string, number>>;
  /** theta: hyperparameters after this iteration [p]. hypergradient: what the step followed [p]. */
  readonly vectors: { readonly theta: readonly number[]; readonly hypergradient: readonly number[] };
  readonly message: string;
}

/** What is common to the states of all methods. */
export interface MethodState {
  /** Present hyperparameters [p]. */
  theta: readonly number[];
  /** Accepted steps. */
  step: number;
  /** Lower and adjoint steps of all samples together that the run was decided by. */
  work: number;
  finished: { readonly reason: FinishReason; readonly message: string } | null;
}

/** A bilevel method. */
export interface BilevelMethod<Options, State extends MethodState> {
  init(options: Options, start: { readonly theta: readonly number[]; readonly samples: number }): State;
  /** Open questions in order of usefulness, at most `limit` (at least 1); what lies behind the first is speculative. None when finished. */
  questions(state: Readonly<State>, limit: number): readonly OpenQuestion[];
  /** Questions that are answered and undecided: whoever holds their solutions keeps them, since the next question may start from them. */
  undecided(state: Readonly<State>): readonly number[];
  /**
   * Takes in an answer of all samples, and changes the state in place. Answers that nothing waits for any more are ignored, so that they may
   * come in any order. Gives what was completed.
   */
  tell(state: State, id: number, answer: ReducedAnswer): readonly IterationRecord[];
}
