/** Registration of scale-watch: options. */
import { z } from "zod";
import type { DiagnosticSpec } from "../../core/index.js";

const options = z.strictObject({
  /** A perturbation scale at or below this has collapsed (unconstrained coordinate). */
  collapsedBelow: z.number().positive().default(0.005),
  /** A perturbation scale at or above this has exploded (unconstrained coordinate). */
  explodedAbove: z.number().positive().default(2.5),
});
export type ScaleWatchOptions = z.output<typeof options>;

export const spec: DiagnosticSpec<ScaleWatchOptions> = {
  name: "scale-watch",
  summary: "Reports perturbation scales that collapse or explode, and metrics that are NaN or infinite.",
  source: "Pitfalls of MacKay et al., Self-tuning networks, ICLR 2019, section 3.4: the entropy term and its limits",
  options,
};
