/** A search's recent speed, and its expected end. */
import { ashaStepsLeft } from "./asha-forecast.js";
import { fractionDone, ranMs } from "./done-share.js";
import type { Progress, Sample } from "./progress-state.js";
import { wholeSecondsLeft } from "./whole-forecast.js";

/** The rate is taken over this much of the newest past. */
const rateWindowMs = 30_000;
/** Samples of the rate are at least this far apart, which bounds their number. */
const rateSampleMs = 500;

/** Training steps a second and seconds left, over the newest past. Undefined until there are two samples apart in time. */
export function rate(state: Progress): { readonly stepsPerSecond: number; readonly secondsLeft: number | undefined } | undefined {
  const first = state.samples[0];
  const last = state.samples.at(-1);
  if (first === undefined || last === undefined || last.timeMs - first.timeMs < rateSampleMs) return undefined;
  const seconds = (last.timeMs - first.timeMs) / 1000;
  const moved = last.fraction - first.fraction;
  return {
    stepsPerSecond: Math.max(0, (last.steps - first.steps) / seconds),
    secondsLeft: playedOn(state) ?? (moved > 0 ? ((1 - last.fraction) / moved) * seconds : undefined),
  };
}

/** Takes a sample where it is time for one. */
export function sample(state: Progress): void {
  if (state.startedMs === 0) return;
  const last = state.samples.at(-1);
  if (last !== undefined && state.newestMs - last.timeMs < rateSampleMs) return;
  const next = { timeMs: state.newestMs, fraction: fractionDone(state) ?? 0, steps: state.steps };
  // Of samples that stand still the first and the newest are kept: a move that ends them took all of their time.
  const [before, newest] = state.samples.slice(-2);
  if (before !== undefined && newest !== undefined && !hasMoved(before, newest)) state.samples.pop();
  state.samples.push(next);
  // The oldest sample inside the window stays as the start of the rate; one before it is one too many. Where measurements are rarer than the
  // window is long, it reaches back to before the newest move: a rate of nothing would be untrue.
  for (let second = state.samples[1]; second !== undefined && state.samples.length > 2; second = state.samples[1]) {
    if (next.timeMs - second.timeMs < rateWindowMs || !hasMoved(second, next)) return;
    state.samples.shift();
  }
}

function hasMoved(from: Sample, to: Sample): boolean {
  return from.steps !== to.steps || from.fraction !== to.fraction;
}

/** Seconds left of a search whose strategy can be played on, at the speed at which its slots have worked; no longer than its wall time lasts. */
function playedOn(state: Progress): number | undefined {
  if (state.slotSeconds <= 0 || state.slotSteps <= 0) return undefined;
  const stepsLeft = ashaStepsLeft(state);
  const seconds = stepsLeft === undefined ? wholeSecondsLeft(state) : (stepsLeft * state.slotSeconds) / state.slotSteps;
  const { wallTimeMs = 0 } = state.course?.budget ?? {};
  if (seconds === undefined || wallTimeMs === 0) return seconds;
  return Math.min(seconds, Math.max(0, wallTimeMs - ranMs(state, state.newestMs)) / 1000);
}
