/**
 * The contract of a strategy: a fold over a search's facts that can be asked what to do next. Asking changes nothing; a strategy learns of
 * its own proposals by being told of them, so that a replay never asks.
 */
import type { Budget, Fact, Objective, Problem } from "@regulus/proto";
import type { ComponentSpec } from "./component.js";
import type { Fold } from "./fold.js";
import type { Rng } from "./rng.js";
import type { Configuration, Space } from "./space.js";

/** What a strategy knows of its search from the start. */
export interface StrategyContext {
  readonly space: Space;
  /** At least one; single-objective strategies use the first. */
  readonly objectives: readonly Objective[];
  readonly budget: Budget;
  /** Trials that may run at once. */
  readonly parallelism: number;
  /** Names of the parameters that can be moved inside training (techniques' hyperparameters). */
  readonly inside: readonly string[];
  /** The procedure of plain trials: `command` where the search runs a program, else `fit`. */
  readonly plainProcedure: string;
  /** Results of trials of other searches, which a proposal may name; absent for none. */
  readonly inputs?: readonly (ProposedInput & { readonly search: string })[];
  /** Splits whose predictions trials leave (docs/predictions.md); absent for none. */
  readonly predictions?: readonly string[];
  /** Options of that procedure; absent for its defaults. */
  readonly plainOptions?: Readonly<Record<string, unknown>>;
}

/** What a strategy wants. */
export type Proposal =
  | {
      readonly kind: "start";
      readonly procedure: string;
      /** A value for every active parameter that the procedure does not learn by itself. */
      readonly parameters: Configuration;
      /** Step to reach; 0 for until the procedure ends by itself. */
      readonly untilStep: number;
      /** Whether the trial is over there; else it pauses and can be resumed. */
      readonly final: boolean;
      readonly options?: Readonly<Record<string, unknown>>;
      /** Start from this trial's newest checkpoint. Where it never saved, the trial starts from nothing, and a finding says so. */
      readonly fromTrial?: number;
      /** Numbers sent along by name, all finite; together at most `limits.vectorNumbersMax`. */
      readonly vectors?: Vectors;
      /** The arm of the search that it belongs to; absent for the strategy's own. */
      readonly arm?: Arm;
      /** Results that trials left, for the procedure. The fact pins the newest of each kind; at most `limits.trialInputsMax`. */
      readonly inputs?: readonly ProposedInput[];
      /** The number that the trial's seed is made of, within its arm; absent for the trial's own. */
      readonly seedNumber?: number;
    }
  | {
      readonly kind: "resume";
      /** A paused trial. */
      readonly trial: number;
      readonly untilStep: number;
      readonly final: boolean;
      /** New parameters; the trial keeps its own where absent. */
      readonly parameters?: Configuration;
      readonly options?: Readonly<Record<string, unknown>>;
      readonly fromTrial?: number;
      /** As for a start; what the trial was sent before is not kept. */
      readonly vectors?: Vectors;
      readonly arm?: Arm;
      /** New ones; the trial keeps its own where absent. */
      readonly inputs?: readonly ProposedInput[];
    }
  /** A trial ends early, whatever it is doing. */
  | { readonly kind: "stop"; readonly trial: number; readonly reason: string }
  /** A running trial saves and pauses now, a pending one pauses at once, so that it may be given other work. */
  | { readonly kind: "pause"; readonly trial: number; readonly reason: string }
  /** What a step of the strategy's own came to: becomes a StrategyStepped fact, by which the strategy learns that it was taken. */
  | {
      readonly kind: "report";
      /** Which step, as the strategy counts them, from 0. */
      readonly step: number;
      /** Whether the step was taken; else the message says why not. */
      readonly accepted: boolean;
      /** Not finite values are allowed. */
      readonly metrics: Readonly<Record<string, number>>;
      readonly vectors?: Vectors;
      readonly message: string;
    };

/** Lists of numbers by name. */
export type Vectors = Readonly<Record<string, readonly number[]>>;

/** A result of a trial: the newest of this kind that it left (docs/predictions.md, docs/schedule.md), or its newest `checkpoint`. */
export interface ProposedInput {
  /** The search of the trial, one of `StrategyContext.inputs`; absent for the same search. */
  readonly search?: string;
  readonly trial: number;
  readonly kind: string;
}

/**
 * Which part of a search a trial belongs to: empty for the strategy's own, "control" for random search beside it, else a name of the strategy's, of
 * lower-case letters, digits and '-': "replay" for plain training on a learned schedule, "combine" for ensembles ... Each arm has a best trial of its own.
 */
export type Arm = string;

/**
 * A strategy at work on one search. Where the search gets more budget, the same module's strategy for the new budget takes the state over, so
 * a state holds nothing that only follows from the budget. A trial that had failed may get another life (TrialRetried): it then has work again.
 * The state holds plain data only (it survives `structuredClone` and JSON), so that it can live
 * in a worker thread and in a snapshot.
 */
export interface Strategy<State> extends Fold<State, Fact> {
  /**
   * At most `limit` proposals that start or resume (the others are free). Fewer than `limit` mean: nothing more until a fact comes.
   * None, with nothing pending, running or paused that it waits for, means that the strategy is done.
   *
   * `rng` is keyed by the search's seed. For the choice of trial n use `rng.fork("trial", n)`, never the order of arrival, so that
   * a search proposes the same whatever the number of agents.
   */
  ask(state: Readonly<State>, limit: number, rng: Rng): readonly Proposal[];
}

/** What is registered: facts about a strategy, and how to make one. */
export interface StrategyModule<Options> {
  readonly spec: StrategySpec<Options>;
  create(context: StrategyContext, options: Options): Strategy<object>;
}

/** Facts about a strategy, checked before anything runs. */
export interface StrategySpec<Options = unknown> extends ComponentSpec<Options> {
  /** Heavy strategies run in a worker thread of their own. */
  readonly cost: "light" | "heavy";
  /** Whether it ends by itself, without a budget (grid). */
  readonly endsByItself: boolean;
  /** Which domains it accepts, and whether conditional parameters. */
  readonly accepts: { readonly conditional: boolean; readonly categorical: boolean; readonly double: boolean };
  /** Whether its own trials tune inside training whatever can be; absent where they are plain ones. */
  readonly tunesInside?: boolean;
  /** Whether it needs steps per trial (multi-fidelity, self-tuning). */
  readonly needsSteps: boolean;
  /** Whether a search needs no parameters: it moves hyperparameters that the workload itself brings, or trains one configuration with several seeds. */
  readonly ownParameters?: boolean;
  /** Kinds of results of other searches' trials that it can be given under `inputs`; absent for none. */
  readonly takes?: readonly string[];
  /** Diagnostics that watch its searches, whether or not the search names them. */
  readonly watchedBy?: readonly string[];
  /** What its card claims; the conformance suite checks each. */
  readonly claims: {
    /** The same set of configurations, whatever the number of agents and the order in which results arrive. */
    readonly orderFree: boolean;
    /** Better than random search at equal steps where learning curves of a configuration rank early as they rank late. */
    readonly beatsRandom: boolean;
  };
  /**
   * How many configurations there are for it to try on a search; Infinity where there is no end of them. Absent where it does not go through the
   * space. A search that ends after so many says that its space is exhausted.
   */
  configurations?(context: StrategyContext, options: Options): number;
  /** The arm whose trials are its result: a search in which one of them failed, and none has a value, has failed. Absent for any trial. */
  readonly resultArm?: Arm;
  /** What is wrong with using it on a search, beyond what the fields above say; empty where nothing is. */
  problems?(context: StrategyContext, options: Options): readonly Problem[];
}
