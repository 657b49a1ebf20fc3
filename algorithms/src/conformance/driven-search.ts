/** A driven search: what it is given, what becomes of its trials, and what came of it. */
import { type ArtifactRef, assert, type EndReason, type Fact, type Measurement, type Work } from "@regulus/proto";
import type { Configuration, Strategy, StrategyContext } from "../core/index.js";

/** What becomes of a trial on its way to a step. */
export type Outcome = "reaches" | "diverges" | "is-lost" | "is-silent" | "fails";

/** A search to drive. */
export interface Drive<State> {
  readonly strategy: Strategy<State>;
  readonly context: StrategyContext;
  /** Seed of the search. */
  readonly seed: number;
  /** Trials at once. */
  readonly agents: number;
  /** Metrics of a trial at a step. */
  readonly metrics: (configuration: Configuration, step: number, trial: DrivenTrial) => Readonly<Record<string, number>>;
  /** More of the measurement that a trial makes when it has done its work: vectors, learned values ... */
  readonly observe?: (work: Work, trial: number) => Partial<Omit<Measurement, "step" | "seconds">>;
  /** Seed of how long work takes, and so of the order of arrival; absent for time in proportion to steps. */
  readonly orderSeed?: number;
  /** What becomes of a trial; absent for "reaches". */
  readonly outcome?: (trial: number, untilStep: number) => Outcome;
  /** When trials that were lost or failed are tried again, each once and then with success; absent for never. */
  readonly retry?: "at-once" | "after-the-end";
  /** More budget that the search gets at its end: the strategy and the context for it. */
  readonly extended?: { readonly strategy: Strategy<State>; readonly context: StrategyContext };
  /** Applied to the state after every fact (serialization). */
  readonly afterTell?: (state: State) => State;
  /** Called before each ask. */
  readonly beforeAsk?: (state: State, facts: readonly Fact[]) => void;
}

/** A trial as the driver knows it. */
export interface DrivenTrial {
  readonly number: number;
  configuration: Configuration;
  readonly procedure: string;
  /** What its works have in common. */
  readonly kept: Pick<Work, "arm" | "inputs" | "seedNumber">;
  steps: number;
  /** Stands for the weights: a number that depends on everything that was ever trained into them. */
  weights: number;
  /** The newest checkpoint: what was saved at the last pause. */
  saved: { readonly steps: number; readonly weights: number } | undefined;
  status: "running" | "paused" | "ended";
  reason: EndReason | undefined;
  last: Measurement | undefined;
  /** What it left, the newest last. */
  left: readonly ArtifactRef[];
}

/** A driven search. */
export interface Driven<State> {
  readonly facts: readonly Fact[];
  readonly trials: readonly DrivenTrial[];
  /** Training steps over all trials. */
  readonly steps: number;
  readonly state: State;
}

/** The best last value of a metric (less is better) over trials that have one. */
export function bestLast(driven: Pick<Driven<unknown>, "trials">, metric: string): number {
  const values = driven.trials.map(({ last }) => last?.metrics[metric] ?? Number.NaN).filter(Number.isFinite);
  return Math.min(...values);
}

/** The trial of a number. */
export function trialAt(trials: readonly DrivenTrial[], index: number): DrivenTrial {
  const trial = trials[index];
  assert(trial !== undefined, `there is a trial ${index}`);
  return trial;
}
