/**
 * HOAG over a cluster: the method of solvers/maid/hoag.ts asks, and shards of samples answer.
 * Source: Pedregosa, ICML 2016 (arXiv 1602.02355).
 */

import { bilevelStrategy } from "../../bilevel/rounds.js";
import type { StrategyModule } from "../../core/index.js";
import { hoag } from "../../solvers/maid/hoag.js";
import { type HoagStrategyOptions, spec } from "./spec.js";

export const module: StrategyModule<HoagStrategyOptions> = {
  spec,
  create(context, { shards, speculation, replacements, ...options }) {
    return bilevelStrategy(hoag, context, { rounds: { shards, speculation, replacements }, options });
  },
};
