/**
 * Conjugate gradient for H q = b with a symmetric positive definite H given by its products, stopped at an absolute residual. The adjoint solve of
 * the bilevel methods (arXiv 2308.10098, section 2).
 */
import { assert } from "@regulus/proto";
import { never } from "./accelerated-gradient.js";
import { dot, norm } from "./lower-problem.js";

export interface LinearSolution {
  /** The approximate solution [dim]. */
  readonly q: Float64Array;
  /** Norm of H q - b, computed anew at the end and not from the recurrence, which drifts. */
  readonly residual: number;
  readonly iterations: number;
  readonly outcome: "reached" | "stalled" | "spent";
}

/** A solve on its way: everything that the rest of it depends on, as numbers. */
export interface LinearSolve {
  /** [dim] */
  readonly q: Float64Array;
  /** Residual b - H q by the recurrence [dim]. */
  readonly r: Float64Array;
  /** Direction [dim]. */
  readonly p: Float64Array;
  /** Squared norm of r. */
  rr: number;
  /** Norm of the residual as computed last. */
  residual: number;
  /** What it was at the restart before. */
  before: number;
  iterations: number;
  /** Descents from a true residual that ended; -1 before the first. */
  restarts: number;
}

/** Descents at most: a restart from the true residual costs one product, and two of them tell rounding from slow progress. */
const descentsMax = 3;

/** A solve of `dim` unknowns that begins at `start`, zeros where absent. */
export function beginLinear(dim: number, start?: Float64Array): LinearSolve {
  const q = start === undefined ? new Float64Array(dim) : Float64Array.from(start);
  return { q, r: new Float64Array(dim), p: new Float64Array(dim), rr: 0, residual: 0, before: 0, iterations: 0, restarts: -1 };
}

/** Solves to norm(H q - b) <= residual (absolute), from `start` (zeros where absent). */
export function conjugateGradient(
  apply: (v: Float64Array, out: Float64Array) => void,
  b: Float64Array,
  options: { readonly residual: number; readonly iterationsMax: number; readonly start?: Float64Array },
): LinearSolution {
  const solved = continueLinear(apply, b, beginLinear(b.length, options.start), options, never);
  assert(solved !== undefined, "a solve that never gives way comes to its end");
  return solved;
}

/** Goes on as `continueLower` does. */
export function continueLinear(
  apply: (v: Float64Array, out: Float64Array) => void,
  b: Float64Array,
  solve: LinearSolve,
  options: { readonly residual: number; readonly iterationsMax: number },
  giveWay: () => boolean,
): LinearSolution | undefined {
  const { q, r, p } = solve;
  const product = new Float64Array(b.length);
  for (;;) {
    if (solve.restarts >= 0) {
      while (Math.sqrt(solve.rr) > options.residual && solve.iterations < options.iterationsMax) {
        apply(p, product);
        const curvature = dot(p, product);
        if (!(curvature > 0)) break;
        const alpha = solve.rr / curvature;
        for (let i = 0; i < b.length; i++) {
          q[i] = (q[i] as number) + alpha * (p[i] as number);
          r[i] = (r[i] as number) - alpha * (product[i] as number);
        }
        const rrNext = dot(r, r);
        const beta = rrNext / solve.rr;
        for (let i = 0; i < b.length; i++) p[i] = (r[i] as number) + beta * (p[i] as number);
        solve.rr = rrNext;
        solve.iterations += 1;
        if (giveWay()) return undefined;
      }
    }
    apply(q, product);
    for (let i = 0; i < b.length; i++) r[i] = (b[i] as number) - (product[i] as number);
    solve.residual = norm(r);
    const spent = solve.iterations >= options.iterationsMax;
    const slow = solve.restarts >= 0 && (spent || solve.residual >= 0.5 * solve.before);
    solve.restarts += 1;
    if (solve.residual <= options.residual || slow || solve.restarts >= descentsMax) {
      const outcome = solve.residual <= options.residual ? "reached" : spent ? "spent" : "stalled";
      return { q, residual: solve.residual, iterations: solve.iterations, outcome };
    }
    solve.before = solve.residual;
    p.set(r);
    solve.rr = dot(r, r);
  }
}
