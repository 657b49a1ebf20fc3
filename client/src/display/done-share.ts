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
  else if (budget.trials > 0) {
    const ended = state.trialsDone + state.trialsStopped + state.trialsFailed;
    let trials = ended;
    for (const trial of state.live.values()) trials += trial.untilStep > 0 ? Math.min(1, trial.step / trial.untilStep) : 0;
    // A trial that is tried again may be one more than there were to be.
    shares.push(trials / Math.max(budget.trials, ended + state.live.size));
  }
  if (budget.wallTimeMs > 0) shares.push(ranMs(state, nowMs) / budget.wallTimeMs);
  return shares.length === 0 ? undefined : Math.min(runningShareMax, Math.max(0, ...shares));
}

/** Training steps that the search is going to spend, or 0 where that is open: those foreseen, or more where trials at work need more. */
export function plannedSteps(state: Progress): number {
  const foreseen = state.course === undefined ? 0 : Math.round(expectedSteps(state.course.spec) ?? 0);
  if (foreseen === 0 || state.live.size === 0) return foreseen;
  let left = 0;
  for (const { step, untilStep } of state.live.values()) left += Math.max(0, untilStep - step);
  return Math.max(foreseen, state.steps + left);
}

/** Wall time in which the search ran up to a time: pauses and the time after an end do not count. */
export function ranMs({ course }: Progress, nowMs: number): number {
  return course?.time.at(nowMs) ?? 0;
}
