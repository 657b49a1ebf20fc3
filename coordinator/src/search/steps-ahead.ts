/** How much work a search has given out that is not done. */
import type { SearchState } from "./search-state.js";

/** Steps that trials which run or will run have still to do, where that is known. */
export function stepsAhead({ live, pending, running }: SearchState): number {
  let ahead = 0;
  for (const numbers of [pending, running]) {
    for (const number of numbers) {
      const trial = live.get(number);
      if (trial !== undefined) ahead += Math.max(0, trial.work.untilStep - trial.step);
    }
  }
  return ahead;
}
