/**
 * The memory of strategies that learn nothing: how many trials there are. Asked, they go on with the next number.
 */
import type { Fact } from "@regulus/proto";
import {
  type Configuration,
  createDistinctSampler,
  createSampler,
  type DistinctSampler,
  distinctTrials,
  type Proposal,
  type SamplerName,
  type Strategy,
  type StrategyContext,
} from "../core/index.js";

/** Plain data. */
export interface TrialCount {
  /** One more than the greatest trial number seen: the number of the next trial. */
  next: number;
}

export function countTrials(state: TrialCount, fact: Fact): TrialCount {
  if (fact.kind?.$case === "trialProposed") state.next = Math.max(state.next, fact.kind.value.trial + 1);
  return state;
}

/** Trials that may still be started, at most `limit` and at most as many as there is something to try. */
export function startsLeft(context: StrategyContext, { next, limit, most }: Starts): number {
  return Math.max(0, Math.min(limit, most - next, (context.budget.trials || Number.POSITIVE_INFINITY) - next));
}

/** What a strategy may start. */
export interface Starts {
  /** Number of the next trial. */
  readonly next: number;
  readonly limit: number;
  /** Trials that there is something to try for; Infinity for no end. */
  readonly most: number;
}

/**
 * Where the trials of a strategy come from: all of them different where the space is finite and small. Trials that tune inside may repeat what is
 * outside, since each learns the rest anew.
 */
export function trialSampler(context: StrategyContext, name: SamplerName, first: readonly Configuration[] = []): DistinctSampler {
  if (tryablePoints(context, first) < Number.POSITIVE_INFINITY) return createDistinctSampler(name, context.space, first);
  const sample = createSampler(name, context.space);
  return { trials: Number.POSITIVE_INFINITY, at: (trial, rng) => first[trial] ?? sample(trial, rng) };
}

/** Trials after which a sampled space is exhausted; Infinity where that is not so, or cannot be told. */
export function tryablePoints({ space, plainOptions }: StrategyContext, first: readonly Configuration[] = []): number {
  return plainOptions === undefined ? distinctTrials(space, first) : Number.POSITIVE_INFINITY;
}

/** A strategy that learns nothing: plain trials from a sampler, one after the other. */
export function plainTrials(context: StrategyContext, sampler: SamplerName): Strategy<TrialCount> {
  const sample = trialSampler(context, sampler);
  return {
    init: () => ({ next: 0 }),
    tell: countTrials,
    ask: ({ next }, limit, rng) =>
      Array.from({ length: startsLeft(context, { next, limit, most: sample.trials }) }, (_, ahead) =>
        plainStart(context, sample.at(next + ahead, rng)),
      ),
  };
}

/** A plain trial to its end: `stepsPerTrial` steps, or as many as the procedure sees fit. */
export function plainStart(context: StrategyContext, parameters: Extract<Proposal, { kind: "start" }>["parameters"]): Proposal {
  const { plainProcedure: procedure, budget } = context;
  return { kind: "start", procedure, parameters, untilStep: budget.stepsPerTrial, final: true, ...plainOptions(context) };
}

/** The options of a plain trial, to be spread into its start: none where the procedure's defaults hold. */
export function plainOptions({ plainOptions: options }: StrategyContext): Pick<Extract<Proposal, { kind: "start" }>, "options"> {
  return options === undefined ? {} : { options };
}
