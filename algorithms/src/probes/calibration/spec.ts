/** Registration: options and metrics of the probe calibration. */
import { z } from "zod";
import type { ProbeSpec } from "../../core/index.js";

const options = z.strictObject({
  /** Bins of equal width for the expected calibration error. */
  bins: z.int().min(2).max(100).default(10),
});
export type CalibrationOptions = z.infer<typeof options>;

/** What is measured on each split. */
export const calibrationMetrics = ["Nll", "Ece", "Aurc"] as const;

export const spec: ProbeSpec<CalibrationOptions> = {
  name: "calibration",
  summary:
    "How reliable a classifier's confidence is: expected calibration error, area under the risk-coverage curve, likelihood.",
  source: "Guo et al., ICML 2017, equation 3 (ECE); Geifman, Uziel and El-Yaniv, ICLR 2019, section 2 (AURC)",
  options,
  metrics: () => ["valid", "test"].flatMap((split) => calibrationMetrics.map((metric) => split + metric)),
};
