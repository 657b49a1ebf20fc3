/**
 * Bounded staleness. Every upper step has length eta, so s steps move x by at most s eta and y*(x) by at most kappa s eta: an estimate taken s steps
 * ago is as good as a y that is off by that much. The same budget bounds the period of refreshes. Source: derived from arXiv 2401.09587 for steps of
 * fixed length; not in the paper.
 */

/** What lag a search puts up with. */
export interface StalenessRule {
  /** Length of an upper step. */
  readonly eta: number;
  /** How far y*(x) moves when x moves by 1, at most. */
  readonly kappa: number;
  /** tol_y: how far off y may be on account of lag, in the units of y. 0 for no lag: synchronous rounds. */
  readonly tolerance: number;
}

/** Whether an estimate that is so many upper steps old may be used: steps eta kappa <= tolerance. */
export function admits(steps: number, { eta, kappa, tolerance }: StalenessRule): boolean {
  return steps * eta * kappa <= tolerance;
}

/** The greatest period (upper steps between refreshes of y) of the same budget; at least 1. */
export function periodMax({ eta, kappa, tolerance }: StalenessRule): number {
  return Math.max(1, Math.floor(tolerance / (eta * kappa)));
}
