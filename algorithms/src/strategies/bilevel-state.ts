/**
 * What a strategy of bilevel rounds remembers: the method, the shards, the trials that hold solutions of theirs, and the answers of questions
 * that are open. Plain data; bilevel-tell.ts folds facts into it, bilevel-ask.ts proposes from it.
 */

import type { IterationRecord, MethodState } from "../solvers/maid/method.js";
import type { ShardAnswer } from "../solvers/respond-messages.js";
import type { SampleRange } from "../solvers/summation-tree.js";
import { type Chain, emptyChain } from "./bilevel-chain.js";

/** What a trial was asked. */
export interface Asked {
  /** Number of the question; `describing` for what the workload is. */
  readonly id: number;
  readonly startFrom: number | null;
}

/** In the place of a question's number: how many samples there are, and which first hyperparameters. */
export const describing = -1;
/** In the place of a shard's number. */
export const noShard = -1;

/** A trial of the procedure `respond`. */
export interface Member {
  readonly trial: number;
  /** `noShard` until it is asked about one. */
  shard: number;
  /** silent: came to the end of its work without an answer that can be read, and is to be stopped. */
  status: "pending" | "running" | "paused" | "silent" | "ended";
  /** Steps of the trial as far as they were told. */
  step: number;
  /** Step of its newest checkpoint; -1 for none. */
  saved: number;
  /** Whether that is since it was asked. */
  savedSince: boolean;
  /** Questions whose solutions its newest checkpoint surely holds. */
  holds: number[];
  /** Questions whose solutions it holds in its process, where that still lives. */
  has: number[];
  /** Times that it was asked to start from solutions which it had held in a process that was gone, but for those that are long past. */
  losses: number;
  /** Questions that it answered since. */
  answeredSince: number;
  /** In place of an answer: the questions whose solutions it holds, where those to start from were not among them; null where they were. */
  missed: number[] | null;
  asked: Asked | null;
  /** Step at which it answered; null while it has not. */
  answered: number | null;
  /** Whether it was asked to pause before it could answer. */
  pausing: boolean;
}

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

/** Whether a trial may still answer. */
export function isAlive({ status }: Member): boolean {
  return status === "pending" || status === "running" || status === "paused";
}

/** Whether the solutions of a question can be had from a checkpoint of the trial. */
export function hasSaved({ holds, saved }: Member, question: number): boolean {
  return saved >= 0 && holds.includes(question);
}

/** Whether nothing more is asked: the method has finished, or the strategy gave up. */
export function isOver({ method, gaveUp }: Readonly<BilevelState<MethodState>>): boolean {
  return gaveUp !== "" || (method !== null && method.finished !== null);
}

export function report<State extends MethodState>(state: BilevelState<State>, message: string, accepted = false): void {
  state.reports.push({ step: state.method?.step ?? 0, accepted, metrics: {}, vectors: {}, message });
}
