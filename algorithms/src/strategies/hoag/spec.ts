/** Registration of hoag: options and claims. */
import type { z } from "zod";
import { roundOptions, roundProblems } from "../../bilevel/rounds.js";
import type { StrategySpec } from "../../core/index.js";
import { hoagOptions } from "../../solvers/maid/options.js";

const options = hoagOptions.safeExtend(roundOptions);
export type HoagStrategyOptions = z.output<typeof options>;

export const spec: StrategySpec<HoagStrategyOptions> = {
  name: "hoag",
  summary:
    "Descends on hyperparameters with accuracies that follow a fixed schedule; the baseline beside maid, certifies nothing.",
  source: "Pedregosa, Hyperparameter optimization with approximate gradient, ICML 2016 (arXiv 1602.02355)",
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
