/**
 * Conjugate gradient for H q = b with a symmetric positive definite H given by its products, stopped at an absolute residual. The adjoint solve of
 * the bilevel methods (arXiv 2308.10098, section 2).
 */
import { dot, norm } from "./lower-problem.js";

export interface LinearSolution {
  /** The approximate solution [dim]. */
  readonly q: Float64Array;
  /** Norm of H q - b, computed anew at the end and not from the recurrence, which drifts. */
  readonly residual: number;
  readonly iterations: number;
  readonly outcome: "reached" | "stalled" | "spent";
}

/** Solves to norm(H q - b) <= residual (absolute), from `start` (zeros where absent). */
export function conjugateGradient(
  apply: (v: Float64Array, out: Float64Array) => void,
  b: Float64Array,
  options: { readonly residual: number; readonly iterationsMax: number; readonly start?: Float64Array },
): LinearSolution {
  const q = options.start === undefined ? new Float64Array(b.length) : Float64Array.from(options.start);
  const product = new Float64Array(b.length);
  const r = new Float64Array(b.length);
  const residualNow = (): number => {
    apply(q, product);
    for (let i = 0; i < b.length; i++) r[i] = (b[i] as number) - (product[i] as number);
    return norm(r);
  };
  let residual = residualNow();
  let iterations = 0;
  // A restart from the true residual costs one product; two of them tell rounding from slow progress.
  for (let restart = 0; residual > options.residual && restart < 3; restart++) {
    const before = residual;
    const p = Float64Array.from(r);
    let rr = dot(r, r);
    while (Math.sqrt(rr) > options.residual && iterations < options.iterationsMax) {
      apply(p, product);
      const curvature = dot(p, product);
      if (!(curvature > 0)) break;
      const alpha = rr / curvature;
      for (let i = 0; i < b.length; i++) {
        q[i] = (q[i] as number) + alpha * (p[i] as number);
        r[i] = (r[i] as number) - alpha * (product[i] as number);
      }
      const rrNext = dot(r, r);
      const beta = rrNext / rr;
      for (let i = 0; i < b.length; i++) p[i] = (r[i] as number) + beta * (p[i] as number);
      rr = rrNext;
      iterations += 1;
    }
    residual = residualNow();
    if (iterations >= options.iterationsMax || residual >= 0.5 * before) break;
  }
  const reached = residual <= options.residual;
  return { q, residual, iterations, outcome: reached ? "reached" : iterations >= options.iterationsMax ? "spent" : "stalled" };
}
