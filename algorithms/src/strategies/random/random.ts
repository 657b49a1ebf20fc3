/**
 * Random search: trial n is drawn from the key ("trial", n), so that neither agents nor arrivals nor a replay change what is tried. Trial 0
 * takes the space's initial values where there are any.
 * Source: Bergstra and Bengio, JMLR 13 (2012).
 */
import { createSampler, type Strategy, type StrategyModule } from "../../core/index.js";
import { countTrials, plainStart, startsLeft, type TrialCount } from "../trial-count.js";
import { type RandomOptions, spec } from "./spec.js";

export const module: StrategyModule<RandomOptions> = {
  spec,
  create: (context): Strategy<TrialCount> => {
    const sample = createSampler("random", context.space);
    return {
      init: () => ({ next: 0 }),
      tell: countTrials,
      ask: ({ next }, limit, rng) =>
        Array.from({ length: Math.max(0, startsLeft(context, next, limit)) }, (_, ahead) =>
          plainStart(context, sample(next + ahead, rng)),
        ),
    };
  },
};
