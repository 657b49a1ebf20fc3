/**
 * MAID over a cluster: the method of solvers/maid asks, and shards of samples answer.
 * Source: arXiv 2308.10098.
 */

import { bilevelStrategy } from "../../bilevel/rounds.js";
import type { StrategyModule } from "../../core/index.js";
import { maid } from "../../solvers/maid/maid.js";
import { type MaidStrategyOptions, spec } from "./spec.js";

export const module: StrategyModule<MaidStrategyOptions> = {
  spec,
  create(context, { shards, speculation, replacements, ...options }) {
    return bilevelStrategy(maid, context, { rounds: { shards, speculation, replacements }, options });
  },
};
