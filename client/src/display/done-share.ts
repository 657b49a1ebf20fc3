/** The spent share of a search's budget, and its running time. */
import { expectedSteps } from "./expected-steps.js";
import { type Progress, statusOf } from "./progress-state.js";

/** What a search shows at most while it goes on: what is left may be little, and is not nothing. */
const runningShareMax = 0.999;

/** How much of the budget is spent, in [0, 1] or undefined where the search has none that can be told from facts. */
export function fractionDone(state: Progress, nowMs = state.newestMs): number | undefined {
  if (statusOf(state) === "completed") return 1;
  const budget = state.course?.budget;
  if (budget === undefined) return undefined;
  const shares: number[] = [];
  const steps = plannedSteps(state);
  if (steps > 0) shares.push(state.steps / steps);
  else if (plannedTrials(state) > 0) {
    const ended = state.trialsDone + state.trialsStopped + state.trialsFailed;
    let trials = ended;
    for (const trial of state.live.values()) trials += trial.untilStep > 0 ? Math.min(1, trial.step / trial.untilStep) : 0;
    // A trial that is tried again may be one more than there were to be.
    shares.push(trials / Math.max(plannedTrials(state), ended + state.live.size));
  }
  if (budget.wallTimeMs > 0) shares.push(ranMs(state, nowMs) / budget.wallTimeMs);
  return shares.length === 0 ? undefined : Math.min(runningShareMax, Math.max(0, ...shares));
}

/** Trials that the search is going to start, or 0 where that is open: its budget, or all configurations of a finite space where those are fewer. */
export function plannedTrials({ course, configurations = Number.POSITIVE_INFINITY }: Progress): number {
  if (course === undefined) return 0;
  const trials = course.budget.trials > 0 ? course.budget.trials : Number.POSITIVE_INFINITY;
  // A control arm draws its own and ends with the budget.
  const planned = course.spec.control === undefined ? Math.min(trials, configurations) : trials;
  return Number.isFinite(planned) ? planned : 0;
}

/**
 * Training steps that the search is going to spend, or 0 where that is open: those foreseen, or more where trials at work need more or did more than they
 * were asked for.
 */
export function plannedSteps(state: Progress): number {
  const foreseen = state.course === undefined ? 0 : Math.round(expectedSteps(state.course.spec, plannedTrials(state)) ?? 0);
  if (foreseen === 0) return foreseen;
  let left = 0;
  for (const { step, untilStep } of state.live.values()) left += Math.max(0, untilStep - step);
  return Math.max(foreseen, state.steps + left);
}

/** Wall time in which the search ran up to a time: pauses and the time after an end do not count. */
export function ranMs({ course }: Progress, nowMs: number): number {
  return course?.time.at(nowMs) ?? 0;
}
