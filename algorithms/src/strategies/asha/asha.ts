/**
 * Asynchronous successive halving. A trial pauses at each rung and keeps its checkpoint; whenever there is room, the highest rung with an
 * unpromoted trial among its best 1/η sends that one on, and else a new trial starts at the bottom. Nothing ever waits for a rung to fill.
 * Source: Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020, algorithm 2 (get_job). Ours beside it: failed
 * configurations count as the worst of the rung they were on the way to, and `finishBest`.
 */
import {
  assert,
  EndReason,
  type Fact,
  isTrialFailure,
  type Measurement,
  metricOf,
  noValue,
  type Objective,
  signOf,
  valueAfter,
} from "@regulus/proto";
import type { Proposal, Strategy, StrategyContext, StrategyModule } from "../../core/index.js";
import { plainOptions, startsLeft, trialSampler } from "../trial-count.js";
import { bestLeft, emptyRung, enterRung, leaveRung, promotable, type Rung } from "./rung.js";
import { type AshaOptions, spec } from "./spec.js";

/** Rungs below the last where `minSteps` is absent. */
const promotionsDefault = 3;

/** A trial that is not over. */
interface Climber {
  /** The rung it is on the way to, or stands on. */
  rung: number;
  /** Whether it has work: pending or running. */
  isBusy: boolean;
  /** Its value that counts, negated where more is better; null for none. */
  loss: number | null;
  /** Its newest measured step, -1 for none, and its loss before that: a step that is measured again replaces what it measured. */
  measuredStep: number;
  earlierLoss: number | null;
  /**
   * Its loss at each rung from `rung` on that it has measured at or past: where it ranks there, however far it ran since. Settled once another step
   * is measured.
   */
  at: Record<number, { readonly loss: number; isSettled: boolean }>;
}

/** Plain data. */
export interface AshaState {
  next: number;
  climbers: Record<number, Climber>;
  /** Trials that failed, as they were: they may be tried again. */
  fallen: Record<number, Climber>;
  /** Climbers with work. */
  busy: number;
  rungs: Rung[];
  /** Trials that reached the last rung. */
  finished: number;
}

export const module: StrategyModule<AshaOptions> = {
  spec,
  create: (context, options): Strategy<AshaState> => {
    const steps = rungSteps(context, options);
    return {
      init: () => ({ next: 0, climbers: {}, fallen: {}, busy: 0, rungs: steps.map(emptyRung), finished: 0 }),
      tell: (state, fact) => tell(state, fact, { eta: options.eta, steps, ...firstObjective(context) }),
      ask: createAsk(context, options, steps),
    };
  },
};

/** Steps of each rung, ascending; the last is R: r η^k for k = 0, 1 ... below R, then R itself. */
export function rungSteps(context: StrategyContext, { eta, minSteps, maxSteps }: AshaOptions): readonly number[] {
  const last = maxSteps ?? context.budget.stepsPerTrial;
  assert(last > 0, "asha was checked to have steps");
  const first = Math.min(last, minSteps ?? Math.max(1, Math.round(last / eta ** promotionsDefault)));
  const rungs: number[] = [];
  // A rung that is nearly the last one would promote for nothing: the last step up is at least by the square root of η.
  for (let step = first; step * Math.sqrt(eta) < last; step *= eta) rungs.push(Math.round(step));
  return [...rungs, last];
}

function createAsk(context: StrategyContext, options: AshaOptions, steps: readonly number[]): Strategy<AshaState>["ask"] {
  const sample = trialSampler(context, options.sampler, options.incumbents);
  const last = steps.length - 1;
  const goOn = (trial: number, rung: number): Proposal => {
    return { kind: "resume", trial, untilStep: steps[rung] ?? 0, final: rung === last };
  };
  return (state, limit, rng) => {
    const proposals: Proposal[] = [];
    for (let rung = last - 1; rung >= 0 && proposals.length < limit; rung--) {
      const found = promotable(rungAt(state, rung), limit - proposals.length);
      proposals.push(...found.map((trial) => goOn(trial, rung + 1)));
    }
    const starts = startsLeft(context, { next: state.next, limit: limit - proposals.length, most: sample.trials });
    for (let trial = state.next; trial < state.next + starts; trial++) {
      const parameters = sample.at(trial, rng);
      const untilStep = steps[0] ?? 0;
      const procedure = context.plainProcedure;
      proposals.push({ kind: "start", procedure, parameters, untilStep, final: last === 0, ...plainOptions(context) });
    }
    if (proposals.length > 0 || !options.finishBest || state.busy > 0 || state.finished > 0) return proposals;
    for (let rung = last - 1; rung >= 0; rung--) {
      const best = bestLeft(rungAt(state, rung));
      if (best !== undefined) return limit > 0 ? [goOn(best, last)] : [];
    }
    return [];
  };
}

interface Rules {
  readonly eta: number;
  readonly steps: readonly number[];
  readonly objective: Objective;
  /** 1 to minimize, -1 to maximize. */
  readonly sign: number;
}

function firstObjective({ objectives }: StrategyContext): Pick<Rules, "objective" | "sign"> {
  const [objective] = objectives;
  assert(objective !== undefined, "a search has an objective");
  return { objective, sign: signOf(objective) };
}

function tell(state: AshaState, { kind }: Fact, rules: Rules): AshaState {
  switch (kind?.$case) {
    case "trialProposed":
      if (kind.value.trial < state.next) return state;
      state.next = kind.value.trial + 1;
      state.climbers[kind.value.trial] = { rung: 0, isBusy: true, loss: null, measuredStep: -1, earlierLoss: null, at: {} };
      state.busy += 1;
      return state;
    case "trialResumed":
      resume(state, kind.value.trial, rungOf(kind.value.work?.untilStep ?? 0, rules.steps));
      return state;
    case "trialRetried":
      climbAgain(state, kind.value.trial, rungOf(kind.value.work?.untilStep ?? 0, rules.steps));
      return state;
    case "trialMeasured": {
      const climber = state.climbers[kind.value.trial];
      if (climber !== undefined) measure(climber, kind.value.measurement, rules);
      return state;
    }
    case "trialPaused":
      arrive(state, kind.value.trial, rules.eta);
      return state;
    case "trialEnded": {
      const climber = state.climbers[kind.value.trial];
      if (climber !== undefined) measure(climber, kind.value.final, rules);
      end(state, { trial: kind.value.trial, reason: kind.value.reason, rules });
      return state;
    }
    default:
      return state;
  }
}

function resume(state: AshaState, trial: number, rung: number): void {
  const climber = state.climbers[trial];
  if (climber === undefined || climber.isBusy) return;
  leaveRung(rungAt(state, climber.rung), trial);
  climber.isBusy = true;
  for (let left = climber.rung; left < rung; left++) delete climber.at[left];
  climber.rung = rung;
  state.busy += 1;
}

/** A trial that had failed goes on to the rung that it was on the way to. */
function climbAgain(state: AshaState, trial: number, rung: number): void {
  if (trial >= state.next || Object.hasOwn(state.climbers, trial)) return;
  const fresh = { loss: null, measuredStep: -1, earlierLoss: null, at: {} };
  state.climbers[trial] = { ...fresh, ...state.fallen[trial], rung, isBusy: true };
  delete state.fallen[trial];
  state.busy += 1;
}

/** A trial pauses on the rung it was on the way to. */
function arrive(state: AshaState, trial: number, eta: number): void {
  const climber = state.climbers[trial];
  if (climber?.isBusy !== true) return;
  climber.isBusy = false;
  state.busy -= 1;
  enterRung(rungAt(state, climber.rung), { trial, loss: lossAtRung(climber) }, eta);
}

/** A trial is over. What its configuration is to blame for counts on the rung; what the machines are to blame for does not. */
function end(state: AshaState, { trial, reason, rules }: { trial: number; reason: EndReason; rules: Rules }): void {
  const climber = state.climbers[trial];
  if (climber === undefined) return;
  delete state.climbers[trial];
  if (isTrialFailure(reason)) state.fallen[trial] = climber;
  const rung = rungAt(state, climber.rung);
  if (climber.isBusy) {
    state.busy -= 1;
    const done = reason === EndReason.END_REASON_DONE;
    const failed = reason === EndReason.END_REASON_DIVERGED || reason === EndReason.END_REASON_INFEASIBLE;
    if (done && climber.rung === rules.steps.length - 1) state.finished += 1;
    if (done || failed) {
      enterRung(rung, { trial, loss: failed ? Number.MAX_VALUE : lossAtRung(climber) }, rules.eta);
    }
  }
  leaveRung(rung, trial);
}

function rungAt(state: Readonly<AshaState>, index: number): Rung {
  const rung = state.rungs[index];
  assert(rung !== undefined, `there is a rung ${index}`);
  return rung;
}

/** The rung that a step leads to: the first one that has as many, the last where the work has no end. */
function rungOf(untilStep: number, steps: readonly number[]): number {
  const at = untilStep === 0 ? -1 : steps.findIndex((step) => step >= untilStep);
  return at < 0 ? steps.length - 1 : at;
}

/** Ranks by the value that counts everywhere: the best so far, or the newest one where the objective says so. None ranks last. */
function measure(climber: Climber, measurement: Measurement | undefined, { objective, sign, steps }: Rules): void {
  if (measurement === undefined) return;
  const valued = (loss: number | null) => (loss === null ? noValue : { value: sign * loss, step: 0 });
  const isAgain = measurement.step === climber.measuredStep;
  const before = { ...valued(climber.loss), earlier: valued(climber.earlierLoss) };
  const { value } = valueAfter(before, measurement, { objective, isAgain });
  if (!isAgain) climber.earlierLoss = climber.loss;
  settle(climber, isAgain);
  climber.measuredStep = measurement.step;
  climber.loss = Number.isNaN(value) ? null : sign * value;
  if (climber.loss === null || metricOf(measurement.metrics, objective.metric) === undefined) return;
  for (let rung = climber.rung; rung < steps.length && (steps[rung] ?? 0) <= measurement.step; rung++) {
    climber.at[rung] ??= { loss: climber.loss, isSettled: false };
  }
}

/**
 * What is known of rungs before another measurement: one of the same step replaces what that step had shown. What other steps had shown stays, since a
 * trial that begins again after a loss comes by the same steps once more, and has then seen what lies beyond them.
 */
function settle({ at }: Climber, isAgain: boolean): void {
  for (const [rung, seen] of Object.entries(at)) {
    if (!isAgain) seen.isSettled = true;
    else if (!seen.isSettled) delete at[Number(rung)];
  }
}

/** What it ranks by on its rung: its value as of the first measurement there or past it, else its value so far. None ranks last. */
function lossAtRung({ at, rung, loss }: Climber): number {
  return at[rung]?.loss ?? loss ?? Number.MAX_VALUE;
}
