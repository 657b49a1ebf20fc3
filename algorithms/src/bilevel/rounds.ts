/**
 * A strategy out of a bilevel method: the method's iterate, step and accuracies live here, and long-lived trials of the procedure `respond` hold
 * the solutions of their shards of samples. What the method makes of it is the same on any number of agents, trials and shards.
 */
import { Direction, type Problem } from "@regulus/proto";
import { z } from "zod";
import type { Strategy, StrategyContext } from "../core/index.js";
import type { BilevelMethod, MethodState } from "../solvers/maid/method.js";
import { askBilevel, type BilevelPlan } from "./ask.js";
import { type BilevelState, emptyState } from "./state.js";
import { tellBilevel } from "./tell.js";

/** Options of the rounds, beside those of the method. */
export const roundOptions = {
  /** Parts that the samples are cut into, each a trial; absent for as many as may run at once. No result depends on it. */
  shards: z.int().min(1).max(10_000).optional(),
  /** Questions that are asked ahead where more trials may run at once than there are shards. No result depends on it. */
  speculation: z.int().min(0).max(100).default(3),
  /** Trials of one shard that may end or give no answer in a row before the strategy gives up. */
  replacements: z.int().min(0).max(1000).default(3),
};

export interface RoundOptions {
  readonly shards?: number | undefined;
  readonly speculation: number;
  readonly replacements: number;
}

/** The strategy of a method. `options` are the method's own. */
export function bilevelStrategy<Options, State extends MethodState>(
  method: BilevelMethod<Options, State>,
  context: StrategyContext,
  { rounds, options }: { readonly rounds: RoundOptions; readonly options: Options },
): Strategy<BilevelState<State>> {
  const shards = rounds.shards ?? context.parallelism;
  const { trials: trialsMax, stepsPerTrial, steps: stepsMax } = context.budget;
  // One trial is kept for the end. Shards whose trials could not all begin would answer ahead what they should hold solutions for.
  const together = trialsMax === 0 ? context.parallelism : Math.min(context.parallelism, trialsMax - 1);
  const plan: BilevelPlan<Options, State> = {
    method,
    options,
    shards,
    replacements: rounds.replacements,
    // Steps that are counted are not spent on questions that may never be asked.
    replicas: stepsMax > 0 ? 0 : Math.max(0, Math.min(rounds.speculation, Math.floor(together / shards) - 1)),
    // The space's parameters are what every trial shares: each at its initial value, or in the middle of its range.
    parameters: context.space.startFrom(context.space.parameters.map(() => 0.5)),
    trialsMax,
    stepsPerTrial,
    stepsMax,
  };
  return {
    init: emptyState<State>,
    tell(state, fact) {
      tellBilevel(plan, state, fact);
      return state;
    },
    ask: (state, limit) => askBilevel(plan, state, limit),
  };
}

/** What is wrong with bilevel rounds on a search. */
export function roundProblems(
  { budget, objectives, parallelism }: StrategyContext,
  { shards }: RoundOptions,
): readonly Problem[] {
  const found: Problem[] = [];
  const trials = (shards ?? parallelism) + 1;
  if (budget.trials > 0 && budget.trials < trials) {
    const expected = `at least ${trials}: one for each shard, and one that solves all samples at the end`;
    found.push({ field: "budget.trials", seen: `${budget.trials}`, expected });
  }
  if (objectives[0]?.direction === Direction.DIRECTION_MAXIMIZE) {
    found.push({
      field: "objectives[0].direction",
      seen: "maximize",
      expected: "minimize: a bilevel method lowers the upper loss",
    });
  }
  return found;
}
