/**
 * The one lower-level interface of the bilevel methods: a strongly convex function h(x, theta) with what hypergradients need of it, and an
 * upper function g(x). All arithmetic is float64: certificates need digits that float32 does not have.
 *
 * Source: papers MAID (arXiv 2308.10098, section 2) and BO-REP (arXiv 2401.09587).
 */

/** A strongly convex function of x [dim] with hyperparameters theta [thetaDim]. No call keeps or changes its arguments but `out`. */
export interface LowerProblem {
  /** Length of x. */
  readonly dim: number;
  /** Length of theta. */
  readonly thetaDim: number;
  /** Strong convexity: a lower bound of the smallest eigenvalue of the Hessian in x, for every x. Positive. */
  mu(theta: Float64Array): number;
  /**
   * Smoothness: an upper bound of the largest eigenvalue of the Hessian in x, for every x. Certificates don't rest on it; where it is too
   * small by more than a third, solves see it by their divergence and double it, which costs some hundred steps.
   */
  smoothness(theta: Float64Array): number;
  /** h(x, theta). */
  value(x: Float64Array, theta: Float64Array): number;
  /** Gradient in x, into `out` [dim]. */
  gradient(x: Float64Array, theta: Float64Array, out: Float64Array): void;
  /** Hessian in x times v, into `out` [dim]. */
  hessianVector(x: Float64Array, theta: Float64Array, v: Float64Array, out: Float64Array): void;
  /** The Hessian at x as a function of v: for many products at one point, where it saves work. Keeps neither x nor theta. */
  hessianAt?(x: Float64Array, theta: Float64Array): (v: Float64Array, out: Float64Array) => void;
  /** J^T q, where J = d2h / dx dtheta [dim, thetaDim], into `out` [thetaDim]. */
  crossTransposed(x: Float64Array, theta: Float64Array, q: Float64Array, out: Float64Array): void;
  /** Constants of the bound of a hypergradient's error; absent where nobody knows them, and then no bound is formed. */
  lipschitz?(x: Float64Array, theta: Float64Array): LipschitzConstants;
}

/** Upper bounds of the constants in Theorem 2.1 of MAID. */
export interface LipschitzConstants {
  /** Spectral norm of J at x. */
  readonly crossNorm: number;
  /** Lipschitz constant of J in x, L_J. */
  readonly crossLipschitz: number;
  /** Lipschitz constant of the Hessian in x, L_H. */
  readonly hessianLipschitz: number;
}

/** A smooth upper function of x. */
export interface UpperFunction {
  /** Smoothness L_g of the gradient. */
  readonly smoothness: number;
  /** Whether it is convex; its lower bounds are tighter then. */
  readonly convex: boolean;
  value(x: Float64Array): number;
  /** Gradient, into `out` [dim]. */
  gradient(x: Float64Array, out: Float64Array): void;
}

/** Inner product. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Euclidean norm. */
export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}
