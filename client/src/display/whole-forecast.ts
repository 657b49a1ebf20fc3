/**
 * When a search whose trials all do all of their steps will be done: those at work and those to come take the slots as they come free. A share of the
 * work tells little of the end where there are few trials for a slot: of five trials on four slots the last one alone takes half of the time. Pure.
 */
import { plannedTrials } from "./done-share.js";
import type { Progress } from "./progress-state.js";

/** Strategies that start trial after trial and end none early. */
const plain = new Set(["random", "grid", "sobol"]);
/** A larger search is not played: the share of its work tells its end well enough. */
const trialsMax = 600;

/** Seconds until the last trial is done; undefined where that can't be told. */
export function wholeSecondsLeft(state: Progress): number | undefined {
  const spec = state.course?.spec;
  const { stepsPerTrial = 0, steps = 0 } = state.course?.budget ?? {};
  const [slots, trials] = [state.rows.length, plannedTrials(state)];
  const isPlain = plain.has(spec?.strategy?.name ?? "") && spec?.control === undefined && steps === 0;
  if (!isPlain || stepsPerTrial === 0 || slots === 0 || trials === 0 || trials > trialsMax || state.slotSteps <= 0)
    return undefined;
  const secondsPerStep = state.slotSeconds / state.slotSteps;
  const free = Array.from({ length: slots }, () => 0);
  const waiting: number[] = [];
  for (const { row, step, untilStep, heardMs } of state.live.values()) {
    const seconds = Math.max(0, (untilStep || stepsPerTrial) - step) * secondsPerStep;
    if (row < 0) waiting.push(seconds);
    // It went on since it was heard of last.
    else free[row] = Math.max(0, seconds - Math.max(0, state.newestMs - heardMs) / 1000);
  }
  for (let left = trials - state.trialsProposed; left > 0; left -= 1) waiting.push(stepsPerTrial * secondsPerStep);
  for (const seconds of waiting) {
    const first = free.reduce((best, at, slot) => (at < (free[best] ?? 0) ? slot : best), 0);
    free[first] = (free[first] ?? 0) + seconds;
  }
  return Math.max(...free);
}
