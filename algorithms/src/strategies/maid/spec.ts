/** Registration of maid: options and claims. */
import type { z } from "zod";
import { roundOptions, roundProblems } from "../../bilevel/rounds.js";
import type { StrategySpec } from "../../core/index.js";
import { maidOptions } from "../../solvers/maid/options.js";

const options = maidOptions.safeExtend(roundOptions);
export type MaidStrategyOptions = z.output<typeof options>;

export const spec: StrategySpec<MaidStrategyOptions> = {
  name: "maid",
  summary:
    "Descends on the hyperparameters of strongly convex lower levels, with every decrease certified and accuracies that tune themselves.",
  source: "MAID, arXiv 2308.10098, Algorithms 3.1 and 3.2",
  options,
  cost: "light",
  endsByItself: true,
  accepts: { conditional: true, categorical: true, double: true },
  needsSteps: false,
  ownParameters: true,
  watchedBy: ["hypergradient-watch"],
  claims: { orderFree: false, beatsRandom: false },
  problems: roundProblems,
};
