/** Registration of synthetic-function: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";
import { outer, realParameter } from "../../settings/parameters.js";

/** Coordinates at most. */
const dimensionMax = 1000;

const options = z.strictObject({
  function: z.enum(["sphere", "branin", "rosenbrock", "hartmann6", "noop"]).default("sphere"),
  /** Coordinates of sphere, rosenbrock and noop; branin has 2, hartmann6 6. */
  dimension: z.int().min(1).max(dimensionMax).default(2),
  /** The value starts this far above the function's and comes down to it over the steps, as (1 + step/curveSteps)^-1. 0 for none. */
  curveHeight: z.number().min(0).max(1e9).default(0),
  /** Steps after which half of curveHeight is gone. */
  curveSteps: z.number().positive().max(1e9).default(10),
  /** Time that a step takes, in ms; lets tests catch a trial at work without computing anything. */
  stepMs: z.number().min(0).max(60_000).default(0),
  /** Steps after which a trial ends where nothing else says. */
  steps: z.int().min(1).max(1_000_000_000).default(1),
});
export type SyntheticFunctionOptions = z.infer<typeof options>;

/** Box of each coordinate x0, x1 ... */
export function boxOf(given: SyntheticFunctionOptions): readonly { readonly min: number; readonly max: number }[] {
  const box = (dimension: number, min: number, max: number) => Array.from({ length: dimension }, () => ({ min, max }));
  switch (given.function) {
    case "sphere":
    case "rosenbrock":
      return box(given.dimension, -5, 5);
    case "branin":
      return [
        { min: -5, max: 10 },
        { min: 0, max: 15 },
      ];
    case "hartmann6":
      return box(6, 0, 1);
    case "noop":
      return box(given.dimension, 0, 1);
  }
}

export const spec: WorkloadSpec<SyntheticFunctionOptions> = {
  name: "synthetic-function",
  summary: "A test function with a known optimum, evaluated at once; nothing is trained.",
  source: "Surjanovic and Bingham, Virtual Library of Simulation Experiments (test functions)",
  options,
  hyperparameters: (given) =>
    boxOf(given).map(({ min, max }, index) => outer(realParameter(`x${index}`, { min, max }), (min + max) / 2)),
  metrics: ["value", "validLoss"],
  procedure: "evaluate",
};
