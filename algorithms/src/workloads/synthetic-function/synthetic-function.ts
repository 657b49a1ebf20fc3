/**
 * Test functions with known optima, as a workload without training: coordinates x0, x1 ... are the hyperparameters, `value` is the function,
 * with a learning curve on top if wanted. `validLoss` is the same number, so that search files for trained workloads run on it unchanged.
 * Source: Surjanovic and Bingham, Virtual Library of Simulation Experiments, www.sfu.ca/~ssurjano.
 */
import type { ClosedFormModule } from "../../training/contracts/workload.js";
import { boxOf, type SyntheticFunctionOptions, spec } from "./spec.js";

export const module: ClosedFormModule<SyntheticFunctionOptions> = {
  spec,
  evaluate({ options, hyperparameters }) {
    const point = boxOf(options).map((_, index) => Number(hyperparameters[`x${index}`]));
    const limit = functionValue(options.function, point);
    return {
      steps: options.steps,
      stepMs: options.stepMs,
      metrics(step) {
        const value = limit + options.curveHeight / (1 + step / options.curveSteps);
        return { value, validLoss: value };
      },
    };
  },
};

/** The function at a point. Its least value: 0 (sphere, rosenbrock, noop), 0.397887 (branin), -3.32237 (hartmann6). */
export function functionValue(name: SyntheticFunctionOptions["function"], x: readonly number[]): number {
  switch (name) {
    case "noop":
      return 0;
    case "sphere":
      return x.reduce((sum, value) => sum + value ** 2, 0);
    case "rosenbrock":
      return x.slice(1).reduce((sum, next, index) => {
        const value = x[index] ?? 0;
        return sum + 100 * (next - value ** 2) ** 2 + (1 - value) ** 2;
      }, 0);
    case "branin":
      return branin(x[0] ?? 0, x[1] ?? 0);
    case "hartmann6":
      return hartmann6(x);
  }
}

function branin(x: number, y: number): number {
  const bowl = y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6;
  return bowl ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
}

const hartmannWeights = [1, 1.2, 3, 3.2];
const hartmannSlopes = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const hartmannCentres = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];

function hartmann6(x: readonly number[]): number {
  return -hartmannWeights.reduce((sum, weight, hill) => {
    const slopes = hartmannSlopes[hill] ?? [];
    const centres = hartmannCentres[hill] ?? [];
    const distance = slopes.reduce((total, slope, axis) => total + slope * ((x[axis] ?? 0) - (centres[axis] ?? 0)) ** 2, 0);
    return sum + weight * Math.exp(-distance);
  }, 0);
}
