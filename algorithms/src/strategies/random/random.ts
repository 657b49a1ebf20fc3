/**
 * Random search: trial n is drawn from the key ("trial", n), so that neither agents nor arrivals nor a replay change what is tried. Trial 0
 * takes the space's initial values where there are any.
 * Source: Bergstra and Bengio, JMLR 13 (2012).
 */
import type { StrategyModule } from "../../core/index.js";
import { plainTrials } from "../trial-count.js";
import { type RandomOptions, spec } from "./spec.js";

export const module: StrategyModule<RandomOptions> = { spec, create: (context) => plainTrials(context, "random") };
