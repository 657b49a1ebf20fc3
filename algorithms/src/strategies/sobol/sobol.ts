/**
 * Quasi-random search: trial n is point n of a Sobol sequence that the search's seed scrambles. Any 2^k trials in a row, counted from a
 * multiple of 2^k, are spread evenly, so it can be stopped at any number. Trial 0 takes the space's initial values where there are any, and
 * the sequence then begins at trial 1.
 * Source: Joe and Kuo 2008; Burley 2020; see core/sobol-sequence.ts.
 */
import type { StrategyModule } from "../../core/index.js";
import { plainTrials } from "../trial-count.js";
import { type SobolOptions, spec } from "./spec.js";

export const module: StrategyModule<SobolOptions> = { spec, create: (context) => plainTrials(context, "sobol") };
