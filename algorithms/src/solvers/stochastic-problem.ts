/**
 * A bilevel problem known through stochastic oracles: minimize f(x, y*(x)) where y*(x) minimizes g(x, .), both sums over samples. Samples lie in
 * units (blocks of samples, or tasks): an oracle works on one unit's part of a minibatch, so that any agent can compute any unit, and the sum over
 * units by a fixed tree does not depend on who did which. What is drawn depends on (draw, unit) and a key of the problem's own alone.
 *
 * Source: BO-REP (arXiv 2401.09587), section 2, for the oracles; the units are ours. `LowerProblem` is the same for exact methods.
 */

/** Estimates at one point, unit by unit. */
export interface StochasticProblem {
  /** Length of x. */
  readonly upperDim: number;
  /** Length of y and of z. */
  readonly lowerDim: number;
  /** Units that samples lie in; at least 1. */
  readonly units: number;
  /**
   * shared: one y, and vectors of units are shares that add up to the minibatch's estimate. owned: every unit is a task with a y and z of its own,
   * its vectors are that task's, and the direction is the mean over tasks.
   */
  readonly lower: "shared" | "owned";
  /** Upper bound of (smoothness of g) / (strong convexity of g in y): how far y*(x) moves when x moves by 1. */
  readonly kappa: number;
  /** The upper coordinates [from, to) that a unit has to itself, where units share none; absent where each unit has a share in all. */
  readonly upperRange?: (unit: number) => UpperRange;
  /** Gradient of g in y, added to `out` [lowerDim]. Gives (a share of) a bound of the largest eigenvalue of the minibatch's Hessian. */
  lowerGradient(at: LowerPoint, of: Draw, out: Float64Array): number;
  /** H z - grad_y f, added to `out` [lowerDim]; H is the minibatch's Hessian of g in y. */
  adjointResidual(at: AdjointPoint, of: Draw, out: Float64Array): UnitNumbers;
  /** grad_x f - (d2g / dx dy)' z, added to `out` [upperDim, or as long as the unit's `upperRange`]. */
  direction(at: AdjointPoint, of: Draw, out: Float64Array): void;
  /** Where x starts, and y (of every task, where tasks own theirs). */
  readonly start: LowerPoint;
  /** Names of what `evaluate` gives. */
  readonly metrics: readonly string[];
  /** A unit's shares of exact metrics over whole splits, which add up over units; for `owned` at that task's y. */
  evaluate(at: LowerPoint, unit: number): readonly number[];
}

export interface UpperRange {
  readonly from: number;
  readonly to: number;
}

export interface LowerPoint {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export interface AdjointPoint extends LowerPoint {
  readonly z: Float64Array;
}

/** Which minibatch: the number of the oracle round and the unit. */
export interface Draw {
  readonly draw: number;
  readonly unit: number;
}

/** What an adjoint residual comes with: (a share of) numbers. */
export interface UnitNumbers {
  /** A bound of the largest eigenvalue of the minibatch's Hessian. */
  readonly smoothness: number;
  /** f(x, y) on the minibatch. */
  readonly upperLoss: number;
}
