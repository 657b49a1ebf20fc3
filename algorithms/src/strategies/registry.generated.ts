/** Written by scripts/generate.mjs from the folders: every registered strategy, by name. Do not edit. */
import type { StrategyModule } from "../core/index.js";
import { module as strategyAsha } from "../strategies/asha/asha.js";
import { module as strategyBoRep } from "../strategies/bo-rep/bo-rep.js";
import { module as strategyEnsemble } from "../strategies/ensemble/ensemble.js";
import { module as strategyGrid } from "../strategies/grid/grid.js";
import { module as strategyHoag } from "../strategies/hoag/hoag.js";
import { module as strategyMaid } from "../strategies/maid/maid.js";
import { module as strategyRandom } from "../strategies/random/random.js";
import { module as strategySelfTuningNetwork } from "../strategies/self-tuning-network/self-tuning-network.js";
import { module as strategySobol } from "../strategies/sobol/sobol.js";

export const strategies: ReadonlyMap<string, StrategyModule<unknown>> = new Map<string, StrategyModule<unknown>>([
  ["asha", strategyAsha],
  ["bo-rep", strategyBoRep],
  ["ensemble", strategyEnsemble],
  ["grid", strategyGrid],
  ["hoag", strategyHoag],
  ["maid", strategyMaid],
  ["random", strategyRandom],
  ["self-tuning-network", strategySelfTuningNetwork],
  ["sobol", strategySobol],
]);
