/**
 * BO-REP as a pure state machine: it says which estimate it needs next, is told the estimate averaged over all samples, and moves. It draws
 * nothing, knows no problem and no agent; its state is plain data. Averages come first, then momentum, then one normalization.
 *
 * Source: Hao, Gong, Liu, "Bilevel optimization under unbounded smoothness", ICLR 2024 (arXiv 2401.09587), algorithm 2. Kept apart from the released
 * code: gradients are not accumulated over lower steps, rates are bounded by the minibatch's curvature, and it ends when |m| is small on average.
 */
import { assert } from "@regulus/proto";
import { type BoRepSettings, etaAt } from "./settings.js";
import { boundedRate, length, momentumStep, plainStep, projectedStep } from "./vector-steps.js";

/** Keeps a direction of zero from being divided by; as in the released code. */
const normTiny = 1e-10;

/** Which estimate is wanted. `joint`: residual and direction at once, at the same z. `owned`: a direction from tasks that keep their own y and z. */
export type OracleKind = "lower" | "adjoint" | "direction" | "joint" | "owned";

export interface OracleQuestion {
  readonly kind: OracleKind;
  /** Number of the oracle round, which keys its minibatches. */
  readonly draw: number;
}

/** Averages over all samples of the minibatch. */
export interface OracleAnswer {
  /** grad_y g, for `lower`. */
  readonly gradient?: ArrayLike<number>;
  /** H z - grad_y f, for `adjoint` and `joint`. */
  readonly residual?: ArrayLike<number>;
  /** grad_x f - J' z, for `direction`, `joint` and `owned`. */
  readonly direction?: ArrayLike<number>;
  /** Bound of the minibatch Hessian's largest eigenvalue; 0 where not known. */
  readonly smoothness: number;
  /** f on the minibatch; absent where the estimate has none. */
  readonly upperLoss?: number;
  /** Norm of the tasks' own z, for `owned`. */
  readonly adjointNorm?: number;
}

/** Plain data. */
export interface BoRepState {
  /** Upper steps done. */
  step: number;
  /** Oracle rounds answered. */
  draws: number;
  /** The estimate that is awaited. */
  awaited: OracleKind;
  /** Lower steps left of the present refresh or epoch, the awaited one included. */
  innerLeft: number;
  /** Epochs of refinement that are over; it is on while below the settings' number. */
  epochs: number;
  x: number[];
  /** Empty where tasks own theirs. */
  y: number[];
  z: number[];
  /** m, the momentum. */
  momentum: number[];
  /** Where y stood when the present refresh or epoch began. */
  center: number[];
  /** Mean of |m| over about the last `stopWindow` steps. */
  momentumMean: number;
  /** What the newest upper step came to. */
  newest: UpperStep;
  ended: "no" | "steps" | "converged" | "diverged";
}

/** Numbers of an upper step. */
export interface UpperStep {
  readonly upperLoss: number;
  readonly momentumNorm: number;
  readonly directionNorm: number;
  readonly adjointNorm: number;
  /** Length (or rate) of the step. */
  readonly eta: number;
}

/** @param start y empty where tasks own their lower variables; z begins at zero, the right answer for an upper loss without slope. */
export function startBoRep(settings: BoRepSettings, start: { x: ArrayLike<number>; y: ArrayLike<number> }): BoRepState {
  assert(settings.steps >= 1 && settings.period >= 1 && settings.innerSteps >= 1, "steps, period and inner steps are positive");
  const state: BoRepState = {
    step: 0,
    draws: 0,
    awaited: "owned",
    innerLeft: 0,
    epochs: 0,
    x: Array.from(start.x),
    y: Array.from(start.y),
    z: Array.from(start.y, () => 0),
    momentum: Array.from(start.x, () => 0),
    center: [],
    momentumMean: 0,
    newest: { upperLoss: 0, momentumNorm: 0, directionNorm: 0, adjointNorm: 0, eta: 0 },
    ended: "no",
  };
  if (state.y.length === 0) return state;
  if (settings.refinementEpochs > 0) beginLower(state, settings.refinementSteps);
  else beginUpper(state, settings);
  return state;
}

/** What it waits for; undefined once it has ended. */
export function awaitedQuestion(state: Readonly<BoRepState>): OracleQuestion | undefined {
  return state.ended === "no" ? { kind: state.awaited, draw: state.draws } : undefined;
}

/** Whether this refresh (or epoch) of tasks' own y is due in the present step. */
export function refreshesOwned(state: Readonly<BoRepState>, { period }: BoRepSettings): boolean {
  return state.step % period === 0;
}

/** Moves by the estimate that was asked for. An estimate that is not finite moves nothing and ends it as diverged. Changes the state. */
export function tellBoRep(state: BoRepState, settings: BoRepSettings, answer: OracleAnswer): BoRepState {
  assert(state.ended === "no", "a machine that has ended is told nothing more");
  state.draws += 1;
  if (!isWhole(state.awaited, answer)) {
    state.ended = "diverged";
    return state;
  }
  switch (state.awaited) {
    case "lower":
      moveLower(state, settings, answer);
      break;
    case "adjoint":
      moveAdjoint(state, settings, answer);
      state.awaited = "direction";
      break;
    case "joint":
      moveAdjoint(state, settings, answer);
      moveUpper(state, settings, answer);
      break;
    default:
      moveUpper(state, settings, answer);
  }
  return state;
}

function moveLower(state: BoRepState, settings: BoRepSettings, { gradient = [], smoothness }: OracleAnswer): void {
  const refining = state.epochs < settings.refinementEpochs;
  // Epoch-SGD: half the rate and 1/sqrt(2) of the radius in each epoch.
  const rate = boundedRate(settings.lowerRate, smoothness) * (refining ? 0.5 ** state.epochs : 1);
  const radius = settings.radius * (refining ? Math.SQRT1_2 ** state.epochs : 1);
  projectedStep(state.y, gradient, { rate, center: state.center, radius });
  state.innerLeft -= 1;
  if (state.innerLeft > 0) return;
  if (!refining) {
    state.awaited = firstUpper(settings);
    return;
  }
  state.epochs += 1;
  if (state.epochs < settings.refinementEpochs) beginLower(state, settings.refinementSteps);
  else beginUpper(state, settings);
}

function moveAdjoint(
  state: BoRepState,
  settings: BoRepSettings,
  { residual = [], smoothness, upperLoss = 0 }: OracleAnswer,
): void {
  plainStep(state.z, residual, boundedRate(settings.adjointRate, smoothness));
  state.newest = { ...state.newest, upperLoss, adjointNorm: length(state.z) };
}

function moveUpper(state: BoRepState, settings: BoRepSettings, answer: OracleAnswer): void {
  const { direction = [] } = answer;
  momentumStep(state.momentum, direction, settings.momentum);
  const momentumNorm = length(state.momentum);
  const eta = etaAt(settings, state.step);
  plainStep(state.x, state.momentum, settings.normalize ? eta / (momentumNorm + normTiny) : eta);
  const { upperLoss = state.newest.upperLoss, adjointNorm = state.newest.adjointNorm } = answer;
  state.newest = { upperLoss, momentumNorm, directionNorm: length(direction), adjointNorm, eta };
  state.step += 1;
  // The mean of the steps so far, then one that forgets: a start at zero would end the search at once.
  state.momentumMean += (momentumNorm - state.momentumMean) / Math.min(state.step, settings.stopWindow);
  if (!state.x.every(Number.isFinite) || !Number.isFinite(momentumNorm)) state.ended = "diverged";
  else if (state.step >= settings.steps) state.ended = "steps";
  else if (state.step >= settings.stopWindow && state.momentumMean <= settings.stopMomentum) state.ended = "converged";
  else if (state.y.length > 0) beginUpper(state, settings);
}

/** Begins an upper step: with a refresh of y where its period has come round. */
function beginUpper(state: BoRepState, settings: BoRepSettings): void {
  if (state.step % settings.period === 0) beginLower(state, settings.innerSteps);
  else state.awaited = firstUpper(settings);
}

function beginLower(state: BoRepState, steps: number): void {
  state.awaited = "lower";
  state.innerLeft = steps;
  state.center = [...state.y];
}

function firstUpper({ adjoint }: BoRepSettings): OracleKind {
  return adjoint === "fresh" ? "adjoint" : "joint";
}

/** Whether an answer has what was asked for, in finite numbers. */
function isWhole(kind: OracleKind, { gradient, residual, direction, smoothness, upperLoss = 0 }: OracleAnswer): boolean {
  const wanted =
    kind === "lower" ? [gradient] : kind === "adjoint" ? [residual] : kind === "joint" ? [residual, direction] : [direction];
  return wanted.every((one) => one !== undefined && Number.isFinite(length(one))) && Number.isFinite(smoothness + upperLoss);
}
