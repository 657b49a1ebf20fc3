/**
 * BO-REP over a cluster: (x, y, z, m) live here, long-lived trials of the procedure `stochastic-oracle` own the samples or tasks. What it makes of their
 * answers has the same bits on any number of trials and agents, unless old estimates are allowed.
 * Source: arXiv 2401.09587, algorithm 2; with `normalize` off it is MA-SOBA.
 */
import {
  type ParameterValue,
  type Strategy,
  type StrategyContext,
  type StrategyModule,
  valueFromUnit,
} from "../../core/index.js";
import type { Rules } from "./advance.js";
import { askSearch } from "./ask.js";
import { type BoRepSearch, emptySearch } from "./search-state.js";
import { type BoRepOptions, spec } from "./spec.js";
import { tellSearch } from "./tell.js";

export const module: StrategyModule<BoRepOptions> = {
  spec,
  create(context, { shards = context.parallelism, staleTolerance, kappa, replacements, ...settings }): Strategy<BoRepSearch> {
    const { stepsPerTrial, steps: stepsMax, trials: trialsMax } = context.budget;
    const rules: Rules = { settings, shards, staleTolerance, kappa, replacements, stepsPerTrial, stepsMax, trialsMax };
    const parameters = sharedValues(context);
    return {
      init: emptySearch,
      tell(state, fact) {
        tellSearch(rules, state, fact);
        return state;
      },
      ask: (state, limit) => askSearch(rules, state, { limit, parameters }),
    };
  },
};

/** The space's parameters are what every trial shares: each at its initial value, or in the middle of its range. */
function sharedValues({ space }: StrategyContext): Record<string, ParameterValue> {
  const values: Record<string, ParameterValue> = {};
  for (const parameter of space.parameters) {
    if (space.isActive(parameter.name, values)) values[parameter.name] = parameter.initial ?? valueFromUnit(parameter, 0.5);
  }
  return values;
}
