/**
 * Random search: trial n is drawn from the key ("trial", n), so that neither agents nor arrivals nor a replay change what is tried. Trial 0
 * takes the space's initial values where there are any.
 * Source: Bergstra and Bengio, JMLR 13 (2012).
 */
import type { Strategy, StrategyModule } from "../../core/index.js";
import { countTrials, plainStart, startsLeft, type TrialCount, trialSampler } from "../trial-count.js";
import { type RandomOptions, spec } from "./spec.js";

export const module: StrategyModule<RandomOptions> = {
  spec,
  create: (context): Strategy<TrialCount> => {
    const sample = trialSampler(context, "random");
    return {
      init: () => ({ next: 0 }),
      tell: countTrials,
      ask: ({ next }, limit, rng) =>
        Array.from({ length: startsLeft(context, { next, limit, most: sample.trials }) }, (_, ahead) =>
          plainStart(context, sample.at(next + ahead, rng)),
        ),
    };
  },
};
