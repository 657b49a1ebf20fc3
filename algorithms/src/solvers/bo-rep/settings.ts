/**
 * Settings of BO-REP (Bilevel Optimization with Recursive Periodic updates). Source: arXiv 2401.09587, algorithm 2, and its released code; the
 * names here are the field's, the paper's letters stand beside them.
 */
export interface BoRepSettings {
  /** Upper steps after which it ends. */
  readonly steps: number;
  /** eta: length of an upper step where steps are normalized, else their rate. */
  readonly eta: number;
  /** eta falls as eta / sqrt(1 + k / etaDecaySteps) over upper steps k; 0 for a constant one. */
  readonly etaDecaySteps: number;
  /** beta: share of the old momentum that is kept. 0 for none. */
  readonly momentum: number;
  /** gamma: rate of the lower steps. */
  readonly lowerRate: number;
  /** nu: rate of the steps on the linear system H z = grad_y f. */
  readonly adjointRate: number;
  /** I: upper steps between two refreshes of y. */
  readonly period: number;
  /** N: lower steps of a refresh. */
  readonly innerSteps: number;
  /** R: a refresh keeps y in the ball of this radius around where the refresh began; 0 for no ball. */
  readonly radius: number;
  /** Whether an upper step has length eta (BO-REP) or is eta times the momentum (MA-SOBA). */
  readonly normalize: boolean;
  /** Whether the direction uses z after its step of the same round (the paper; one more round trip) or before it (as SOBA does). */
  readonly adjoint: "fresh" | "lagged";
  /**
   * Initialization refinement: epochs of projected stochastic steps on g(x0, .) before the first upper step. Each epoch starts where the last one
   * ended, with half its rate and 1/sqrt(2) of its radius (epoch-SGD; the paper's own schedule is not known to us). 0 epochs for none.
   */
  readonly refinementEpochs: number;
  readonly refinementSteps: number;
  /** Ends when the mean of |m| over about `stopWindow` steps is at most this; 0 for never. A normalized method would take random steps from there on. */
  readonly stopMomentum: number;
  readonly stopWindow: number;
}

/** The settings of the authors' hyper-cleaning run, where nothing else is known. */
export const boRepDefaults: BoRepSettings = {
  steps: 1000,
  eta: 0.05,
  etaDecaySteps: 0,
  momentum: 0.9,
  lowerRate: 0.05,
  adjointRate: 0.01,
  period: 2,
  innerSteps: 3,
  radius: 0,
  normalize: true,
  adjoint: "fresh",
  refinementEpochs: 0,
  refinementSteps: 100,
  stopMomentum: 0,
  stopWindow: 50,
};

/** Length (or rate) of upper step k, from 0. */
export function etaAt({ eta, etaDecaySteps }: Pick<BoRepSettings, "eta" | "etaDecaySteps">, step: number): number {
  return etaDecaySteps === 0 ? eta : eta / Math.sqrt(1 + step / etaDecaySteps);
}
