/** Registration of hypergradient-watch: options. */
import { z } from "zod";
import type { DiagnosticSpec } from "../../core/index.js";

const options = z.strictObject({
  /**
   * So many steps of the strategy refused one after the other are worth telling. MAID halves its accuracy at each, so that a few in a row are how it
   * tunes itself; ten are a thousandfold without a step.
   */
  refusedInARow: z.int().min(1).default(10),
  /** An accuracy at or below this is near what double precision can reach. */
  accuracyFloor: z.number().positive().default(1e-11),
});
export type HypergradientWatchOptions = z.output<typeof options>;

export const spec: DiagnosticSpec<HypergradientWatchOptions> = {
  name: "hypergradient-watch",
  summary:
    "Reports NaN or infinite hypergradients, steps refused in a row, accuracies at the limit of the arithmetic, and silent shards.",
  source: "Pitfalls of Salehi et al., MAID, 2023 (accuracies that the arithmetic can't reach) and of MacKay et al., ICLR 2019",
  options,
};
