/**
 * The memory of strategies that learn nothing: how many trials there are. Asked, they go on with the next number.
 */
import type { Fact } from "@regulus/proto";
import type { Proposal, StrategyContext } from "../core/index.js";

/** Plain data. */
export interface TrialCount {
  /** One more than the greatest trial number seen: the number of the next trial. */
  next: number;
}

export function countTrials(state: TrialCount, fact: Fact): TrialCount {
  if (fact.kind?.$case === "trialProposed") state.next = Math.max(state.next, fact.kind.value.trial + 1);
  return state;
}

/** Trials that may still be started, at most `limit`. */
export function startsLeft(context: StrategyContext, next: number, limit: number): number {
  return context.budget.trials === 0 ? limit : Math.min(limit, context.budget.trials - next);
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
