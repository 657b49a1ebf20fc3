/**
 * Grid search: trial n is point n of the grid, the last parameter turning fastest; over after the last point.
 * Source: folklore. Initial values are not heeded: a grid has an order of its own.
 */
import type { Strategy, StrategyModule } from "../../core/index.js";
import { countTrials, plainStart, startsLeft, type TrialCount } from "../trial-count.js";
import { createGrid } from "./points.js";
import { type GridOptions, spec } from "./spec.js";

export const module: StrategyModule<GridOptions> = {
  spec,
  create: (context, { steps }): Strategy<TrialCount> => {
    const grid = createGrid(context.space.parameters, steps);
    return {
      init: () => ({ next: 0 }),
      tell: countTrials,
      ask: ({ next }, limit) => {
        const count = startsLeft(context, { next, limit, most: grid.size });
        return Array.from({ length: count }, (_, ahead) => plainStart(context, grid.at(next + ahead)));
      },
    };
  },
};
