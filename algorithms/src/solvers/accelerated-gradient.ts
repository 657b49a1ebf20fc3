/**
 * Nesterov's accelerated gradient for strongly convex functions, stopped by a certificate: the norm of the gradient over mu bounds the distance
 * to the minimizer. Source: MAID's lower solver (arXiv 2308.10098), with the momentum that its released code loses.
 */
import { assert } from "@regulus/proto";
import { type LowerProblem, norm } from "./lower-problem.js";

/** Steps without a better gradient after which the arithmetic is taken to be exhausted, or the smoothness refuted. */
const stallSteps = 200;
/**
 * Where the gradient is by then this many times the shortest, steps diverge: the problem's smoothness was no bound. Rounding alone leaves it near
 * the shortest, and steps that are stable do not let it grow for so long.
 */
const divergedBy = 100;

export interface LowerSolution {
  /** The approximate minimizer [dim]. */
  readonly x: Float64Array;
  /** Bound of the distance to the minimizer: norm of the gradient / mu. */
  readonly accuracy: number;
  readonly iterations: number;
  /** "reached": accuracy <= asked. "stalled": float64 gives no more. "spent": the limit of iterations. */
  readonly outcome: "reached" | "stalled" | "spent";
}

/** A solve on its way: everything that the rest of it depends on, as numbers. */
export interface LowerSolve {
  /** The last iterate [dim]. */
  x: Float64Array;
  /** Where the next gradient is taken [dim]. */
  readonly y: Float64Array;
  /** Where the gradient was shortest [dim]; meaningless before the first step. */
  readonly bestX: Float64Array;
  /** Accuracy there. */
  best: number;
  /** Steps since then. */
  sinceBest: number;
  /** Nesterov's t. */
  t: number;
  iterations: number;
  /** Constants of the problem at its hyperparameters, which may be dear to compute. */
  readonly mu: number;
  /** Doubled, for the rest of the solve, whenever steps diverge. */
  smoothness: number;
}

/** A solve that begins at `start`. */
export function beginLower(problem: LowerProblem, theta: Float64Array, start: Float64Array): LowerSolve {
  return {
    x: Float64Array.from(start),
    y: Float64Array.from(start),
    bestX: Float64Array.from(start),
    best: Number.POSITIVE_INFINITY,
    sinceBest: 0,
    t: 1,
    iterations: 0,
    mu: problem.mu(theta),
    smoothness: problem.smoothness(theta),
  };
}

/**
 * Minimizes h(., theta) from `start` until the distance to the minimizer is certified to be at most `accuracy` (positive, in the units of x).
 * A start that is good enough costs one gradient and no step.
 */
export function acceleratedGradient(
  problem: LowerProblem,
  theta: Float64Array,
  start: Float64Array,
  options: { readonly accuracy: number; readonly iterationsMax: number },
): LowerSolution {
  const solved = continueLower(problem, theta, beginLower(problem, theta, start), options, never);
  assert(solved !== undefined, "a solve that never gives way comes to its end");
  return solved;
}

/**
 * Goes on until `giveWay`, which is asked after every step, says so; undefined where that was before the end. At least one step is made; the bits do
 * not depend on the parts. Changes `solve`.
 */
export function continueLower(
  problem: LowerProblem,
  theta: Float64Array,
  solve: LowerSolve,
  options: { readonly accuracy: number; readonly iterationsMax: number },
  giveWay: () => boolean,
): LowerSolution | undefined {
  const { dim } = problem;
  const { y, bestX, mu } = solve;
  let { x, t, best, sinceBest, iterations, smoothness } = solve;
  let next: Float64Array = new Float64Array(dim);
  const gradient = new Float64Array(dim);
  for (;;) {
    // The certificate is taken at y, where the gradient is needed anyway; y is what is returned.
    problem.gradient(y, theta, gradient);
    const accuracy = norm(gradient) / mu;
    if (accuracy < best) {
      best = accuracy;
      bestX.set(y);
      sinceBest = 0;
    } else {
      sinceBest += 1;
    }
    if (accuracy <= options.accuracy) return { x: y, accuracy, iterations, outcome: "reached" };
    const ceased = sinceBest >= stallSteps;
    const diverges = ceased && Number.isFinite(best) && !(accuracy <= divergedBy * best);
    if (ceased && !diverges) return { x: bestX, accuracy: best, iterations, outcome: "stalled" };
    if (iterations >= options.iterationsMax) return { x: bestX, accuracy: best, iterations, outcome: "spent" };
    if (diverges) {
      smoothness *= 2;
      x.set(bestX);
      y.set(bestX);
      [t, sinceBest] = [1, 0];
      problem.gradient(y, theta, gradient);
    }
    const q = Math.min(1, mu / smoothness);
    const qt = 1 - q * t * t;
    const tNext = 0.5 * (qt + Math.sqrt(qt * qt + 4 * t * t));
    const beta = q === 1 ? 0 : ((t - 1) * (1 - tNext * q)) / (tNext * (1 - q));
    for (let i = 0; i < dim; i++) {
      const stepped = (y[i] as number) - (gradient[i] as number) / smoothness;
      next[i] = stepped;
      y[i] = stepped + beta * (stepped - (x[i] as number));
    }
    [x, next] = [next, x];
    t = tNext;
    iterations += 1;
    if (giveWay()) {
      Object.assign(solve, { x, t, best, sinceBest, iterations, smoothness });
      return undefined;
    }
  }
}

/** Gives way to nobody. */
export function never(): boolean {
  return false;
}
