/**
 * MAID, the method of adaptive inexact descent: gradient steps on hyperparameters whose decrease is certified although every lower level is
 * solved only approximately, with accuracies that tune themselves. No constant of the upper level has to be known.
 *
 * Each outer iteration asks for loss and hypergradient z at theta (accuracy eps, residual delta), then tries steps alpha rho^i until
 *   psi = U_upper(theta - alpha z) - U_lower(theta) + lambda alpha |z|^2 <= 0,
 * which implies f(theta - alpha z) <= f(theta) - lambda alpha |z|^2 for the exact f. (With another direction d, -|z|^2 is <z, d>.) Where no trial passes, accuracy is what is missing: eps and
 * delta shrink, the number of trials grows by one, and the hypergradient is asked again. After a step alpha, eps and delta grow.
 * Trials start from the solutions at theta, never from each other, so that they may run side by side.
 *
 * Source: arXiv 2308.10098, Algorithms 3.1 and 3.2, Lemma 3.5.
 */
import { assert, counted } from "@regulus/proto";
import { sampleAt } from "../dealt-samples.js";
import type { ReducedAnswer } from "../respond.js";
import { inBox, isSame, stepped } from "./box.js";
import { directionFrom, dot, memoryOf } from "./direction.js";
import { acceptedRecord, refusedRecord, searchFailedWords, takenBackWords } from "./maid-records.js";
import type { MaidState, Point, Trial } from "./maid-state.js";
import type { BilevelMethod, FinishReason, IterationRecord, OpenQuestion } from "./method.js";
import type { MaidOptions } from "./options.js";

/** Steps taken back one after the other because of what is not a number, before giving up. */
const takenBackMax = 10;

export const maid: BilevelMethod<MaidOptions, MaidState> = {
  init(options, { theta, samples }) {
    assert(samples >= 1, "a bilevel problem has samples");
    const { accuracy, residual, stepLength, trials } = options;
    return {
      options,
      samples,
      theta: [...theta],
      step: 0,
      work: 0,
      finished: null,
      stepLength,
      accuracy,
      residual,
      trialsMax: trials,
      gradientId: 0,
      startFrom: null,
      point: null,
      trials: [],
      previous: null,
      history: [],
      takenBack: 0,
    };
  },

  questions(state, limit) {
    if (state.finished !== null) return [];
    const { options, accuracy, residual, point } = state;
    const { iterationsMax } = options;
    if (point === null) {
      const question = { theta: state.theta, accuracy, gradient: { residual }, iterationsMax };
      return [{ id: state.gradientId, question, startFrom: state.startFrom, speculative: false }];
    }
    const open: OpenQuestion[] = [];
    let before = 0;
    for (const [i, trial] of state.trials.entries()) {
      if (trial.verdict === "passed" || open.length >= limit) break;
      if (trial.verdict === "open") {
        const theta = stepped(state.theta, point.direction, trial.stepLength);
        const rejectAbove = options.earlyRejection ? { rejectAbove: state.samples * requiredBound(state, point, trial) } : {};
        const question = { theta, accuracy, iterationsMax, ...rejectAbove };
        open.push({ id: state.gradientId + 1 + i, question, startFrom: state.gradientId, speculative: before > 0 });
        before += 1;
      }
    }
    return open;
  },

  undecided({ trials, gradientId }) {
    // Of several that passed, the first is the one to be accepted, should all before it fail.
    const passed = trials.findIndex(({ verdict }) => verdict === "passed");
    return passed < 0 ? [] : [gradientId + 1 + passed];
  },

  tell(state, id, answer) {
    if (state.finished !== null) return [];
    if (state.point === null) return id === state.gradientId ? tellGradient(state, answer) : [];
    const trial = state.trials[id - state.gradientId - 1];
    return trial?.verdict === "open" ? tellTrial(state, state.point, trial, answer) : [];
  },
};

/** The mean of upper bounds must not be above this for the trial to pass. */
function requiredBound({ options }: MaidState, { lowerBound, slope }: Point, { stepLength }: Trial): number {
  return lowerBound + options.decrease * stepLength * slope;
}

function tellGradient(state: MaidState, answer: ReducedAnswer): readonly IterationRecord[] {
  const { options } = state;
  state.work += answer.iterations;
  if (answer.problem?.kind === "not-strongly-convex") {
    const words = `the lower level of sample ${sampleAt(state.samples, answer.problem.position)} is not strongly convex at these hyperparameters: mu is not above 0; add regularization`;
    return finish(state, "not-strongly-convex", words);
  }
  const { hypergradient = [], residual = 0, unresolved = 0 } = answer;
  const gradientNorm = Math.sqrt(hypergradient.reduce((sum, one) => sum + one * one, 0));
  if (answer.problem !== undefined || !Number.isFinite(gradientNorm)) return takeBack(state);
  assert(hypergradient.length === state.theta.length, "a gradient question is answered with a hypergradient");
  const towards = directionFrom(options.direction, state.history, { theta: state.theta, hypergradient }, state.stepLength);
  const slope = dot(towards.direction, hypergradient);
  const isDescent = slope < 0 && Number.isFinite(slope);
  const point: Point = {
    value: answer.value,
    lowerBound: answer.lowerBound,
    upperBound: answer.upperBound,
    hypergradient,
    gradientNorm,
    direction: isDescent ? towards.direction : hypergradient.map((one) => -one),
    slope: isDescent ? slope : -(gradientNorm ** 2),
    upperGradientNorm: answer.gradientNorm,
    accuracy: answer.accuracy,
    residual,
    stalled: answer.stalled > 0,
    metrics: answer.metrics,
    ...(answer.bound === undefined ? {} : { bound: answer.bound }),
  };

  // A residual above the right-hand side lets conjugate gradient answer zero: no sign of convergence at all.
  if (unresolved > 0 && gradientNorm <= options.tolerance) {
    const words = `the hypergradient is ${short(gradientNorm)} since the adjoint residual ${short(residual)} exceeds the upper gradient ${short(answer.gradientNorm)} of ${counted(unresolved, "sample")}: residual tightened`;
    state.residual = options.accuracyShrink * Math.min(state.residual, answer.gradientNorm);
    askGradient(state, state.gradientId);
    return outOfBudget(state) ? finish(state, "budget", budgetWords(state)) : [refusedRecord(state, point, words)];
  }
  if (options.checkDescent) {
    if (answer.bound === undefined) {
      const words =
        "the descent check needs bounds of hypergradient errors, and this problem gives no Lipschitz constants: set checkDescent to false";
      return finish(state, "no-bound", words);
    }
    const certain = gradientNorm <= options.tolerance && answer.bound <= options.tolerance;
    if (!certain && answer.bound > (1 - options.descentMargin) * gradientNorm) {
      const words = `descent is not certain: the hypergradient's error may be ${short(answer.bound)} of ${short(gradientNorm)}`;
      return tighten(state, point, words);
    }
  }
  if (gradientNorm <= options.tolerance)
    return finish(
      state,
      "converged",
      `the hypergradient's norm is ${short(gradientNorm)}, tolerance ${short(options.tolerance)}`,
    );
  if (outOfBudget(state)) return finish(state, "budget", budgetWords(state));
  // A point that a step was taken back to says nothing of where the next step leads.
  if (state.previous !== null && !isSame(state.theta, state.previous.theta)) state.takenBack = 0;
  return beginSearch(state, point, isDescent ? towards.stepLength : state.stepLength);
}

/** Lays out the trials of a line search. Steps that leave the box fail without being asked: the search begins at the first that stays inside. */
function beginSearch(state: MaidState, point: Point, startLength: number): readonly IterationRecord[] {
  const { options, theta } = state;
  const smallest = Number.EPSILON * (1 + Math.sqrt(theta.reduce((sum, one) => sum + one * one, 0)));
  let first = startLength;
  let outside = 0;
  while (!inBox(stepped(theta, point.direction, first), options)) {
    first *= options.stepShrink;
    outside += 1;
    if (first * Math.sqrt(dot(point.direction, point.direction)) <= smallest) {
      const words = `every step leaves the box of hyperparameters from ${options.thetaMin} to ${options.thetaMax}: widen it, or take this as the answer`;
      return finish(state, "box", words);
    }
  }
  state.point = { ...point, outside };
  const lengths = Array.from({ length: state.trialsMax }, (_, i) => first * options.stepShrink ** i);
  const least = (point.value - point.lowerBound) / (options.futility * -point.slope);
  state.trials = lengths
    .filter((stepLength, i) => i === 0 || options.futility === 0 || stepLength >= least)
    .map((stepLength) => ({ stepLength, verdict: "open" }));
  return [];
}

function tellTrial(state: MaidState, point: Point, trial: Trial, answer: ReducedAnswer): readonly IterationRecord[] {
  const usable = answer.problem === undefined && answer.rejected !== true;
  trial.iterations = answer.iterations;
  trial.verdict = "failed";
  if (usable) {
    trial.psi = answer.upperBound - requiredBound(state, point, trial);
    trial.value = answer.value;
    trial.upperBound = answer.upperBound;
    trial.lowerBound = answer.lowerBound;
    trial.accuracy = answer.accuracy;
    trial.metrics = answer.metrics;
    if (trial.psi <= 0) trial.verdict = "passed";
  } else {
    trial.unusable = answer.rejected === true ? "rejected early" : (answer.problem?.kind ?? "not-finite");
  }
  const decided = state.trials.findIndex(({ verdict }) => verdict !== "failed");
  if (decided >= 0 && state.trials[decided]?.verdict === "open") return [];
  // What was asked ahead and not needed is not counted, so that work does not depend on speculation.
  const used = decided < 0 ? state.trials : state.trials.slice(0, decided + 1);
  const counted = state.options.earlyRejection ? used.filter(({ verdict }) => verdict === "passed") : used;
  state.work += counted.reduce((sum, { iterations = 0 }) => sum + iterations, 0);
  return decided < 0 ? searchFailed(state, point) : accept(state, point, decided);
}

function accept(state: MaidState, point: Point, place: number): readonly IterationRecord[] {
  const { options } = state;
  const trial = state.trials[place];
  assert(trial !== undefined && trial.verdict === "passed", "the accepted trial has passed");
  const theta = stepped(state.theta, point.direction, trial.stepLength);
  state.previous = { theta: state.theta, hypergradient: point.hypergradient, stepLength: trial.stepLength };
  const past = [...state.history, { theta: state.theta, hypergradient: point.hypergradient }];
  state.history = past.slice(Math.max(0, past.length - memoryOf(options.direction)));
  state.theta = theta;
  state.step += 1;
  const record = acceptedRecord(state, point, { trial, place });
  if (!options.freezeAccuracy) {
    state.accuracy *= options.accuracyGrowth;
    state.residual *= options.accuracyGrowth;
  }
  state.stepLength = trial.stepLength * options.stepGrowth;
  state.trialsMax = options.trials;
  askGradient(state, state.gradientId + 1 + place);
  if (outOfBudget(state)) return [record, ...finish(state, "budget", budgetWords(state))];
  return [record];
}

function searchFailed(state: MaidState, point: Point): readonly IterationRecord[] {
  const words = searchFailedWords(state, point);
  if (state.options.freezeAccuracy)
    return [refusedRecord(state, point, words), ...finish(state, "attainable-accuracy", `${words}, and the accuracy is frozen`)];
  state.trialsMax += 1;
  return tighten(state, point, words);
}

/** Asks for the hypergradient again with more accuracy, or ends where there is no more. */
function tighten(state: MaidState, point: Point, words: string): readonly IterationRecord[] {
  const { options } = state;
  const accuracy = Math.max(options.accuracyMin, state.accuracy * options.accuracyShrink);
  const residual = Math.max(Number.MIN_VALUE, state.residual * options.accuracyShrink);
  const exhausted = point.stalled || state.accuracy <= options.accuracyMin;
  const record = refusedRecord(state, point, exhausted ? words : `${words}: accuracy tightened`);
  if (exhausted) {
    const reason = point.stalled ? "float64 gives no more" : `no accuracy below ${options.accuracyMin} is asked for`;
    return [record, ...finish(state, "attainable-accuracy", `at accuracy ${short(point.accuracy)} ${reason}; ${words}`)];
  }
  // A solve that gave up at its limit of steps goes on from where it is; asking for more would change nothing.
  if (point.accuracy <= state.accuracy) state.accuracy = accuracy;
  state.residual = residual;
  askGradient(state, state.gradientId);
  if (outOfBudget(state)) return [record, ...finish(state, "budget", budgetWords(state))];
  return [record];
}

/** The loss or the hypergradient is not a number at a point that a trial led to: back to the point before, with shorter steps. */
function takeBack(state: MaidState): readonly IterationRecord[] {
  const { previous, options } = state;
  const words = takenBackWords(state, takenBackMax);
  if (previous === null || state.takenBack >= takenBackMax) return finish(state, "not-finite", words);
  state.takenBack += 1;
  state.theta = previous.theta;
  state.step -= 1;
  state.stepLength = previous.stepLength * options.stepShrink;
  // The next solves start from what is committed, which is finite.
  askGradient(state, state.startFrom);
  const { theta, hypergradient, stepLength } = previous;
  state.previous = { theta, hypergradient, stepLength: state.stepLength };
  return [
    {
      step: state.step,
      accepted: false,
      metrics: { stepLength, work: state.work },
      vectors: { theta, hypergradient },
      message: words,
    },
  ];
}

function askGradient(state: MaidState, startFrom: number | null): void {
  state.startFrom = startFrom;
  state.gradientId += 1 + state.trials.length;
  state.trials = [];
  state.point = null;
}

function finish(state: MaidState, reason: FinishReason, message: string): readonly IterationRecord[] {
  state.finished = { reason, message };
  return [];
}

function outOfBudget({ options, step, work }: MaidState): boolean {
  return step >= options.steps || (options.work > 0 && work >= options.work);
}

function budgetWords({ options, step, work }: MaidState): string {
  return `${step} of ${counted(options.steps, "step")}, ${work} of ${options.work > 0 ? options.work : "any number of"} lower and adjoint steps`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
