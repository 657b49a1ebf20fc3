/**
 * The state of a strategy of bilevel rounds: the method, the shards, the trials that hold solutions of theirs, and the answers of questions
 * that are open. Plain data; bilevel-tell.ts folds facts into it, bilevel-ask.ts proposes from it.
 */
import type { IterationRecord, MethodState } from "../solvers/maid/method.js";
import type { ShardAnswer } from "../solvers/respond-messages.js";
import type { SampleRange } from "../solvers/summation-tree.js";
import { type Chain, emptyChain } from "./chain.js";
import type { Member } from "./member.js";

export interface BilevelState<State extends MethodState> {
  /** Position of the newest fact. */
  position: number;
  /** Null until a trial has said what the workload is. */
  method: State | null;
  samples: number;
  ranges: readonly SampleRange[];
  /** Trials of the search so far. */
  trials: number;
  /** Steps that trials were given to do so far; those that were called off count too. */
  steps: number;
  members: Member[];
  /** Answers to open questions by question, in order of shards; null where there is none yet. */
  answers: Record<string, (ShardAnswer | null)[]>;
  /** What led to the solutions that are started from now. */
  chain: Chain;
  /** What is to be reported and is not in the log yet, in order. */
  reports: BilevelReport[];
  /** Trials of each shard that ended or fell silent since it last answered. */
  failures: Record<string, number>;
  /** Why the strategy gave up; empty where it did not. */
  gaveUp: string;
  /** The trial that solves all samples at the hyperparameters that were found; null while there is none. */
  finalTrial: number | null;
  /** Worst accuracy of the newest step. */
  accuracy: number | null;
}

export type BilevelReport = Pick<IterationRecord, "step" | "accepted" | "metrics" | "message"> & {
  readonly vectors: Readonly<Record<string, readonly number[]>>;
};

export function emptyState<State extends MethodState>(): BilevelState<State> {
  return {
    position: 0,
    method: null,
    samples: 0,
    ranges: [],
    trials: 0,
    steps: 0,
    members: [],
    answers: {},
    chain: emptyChain(),
    reports: [],
    failures: {},
    gaveUp: "",
    finalTrial: null,
    accuracy: null,
  };
}

/** Whether nothing more is asked: the method has finished, or the strategy gave up. */
export function isOver({ method, gaveUp }: Readonly<BilevelState<MethodState>>): boolean {
  return gaveUp !== "" || (method !== null && method.finished !== null);
}

export function report<State extends MethodState>(state: BilevelState<State>, message: string, accepted = false): void {
  state.reports.push({ step: state.method?.step ?? 0, accepted, metrics: {}, vectors: {}, message });
}
