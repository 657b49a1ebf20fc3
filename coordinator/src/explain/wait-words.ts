/** Why a trial that is pending does not run, in words. */
import type { SearchState } from "../search/search-state.js";
import type { TrialState } from "../search/trial-state.js";

/** What the trial that is next in line waits for. */
export function headWords(state: SearchState, nowMs: number): string {
  const trial = headOf(state, nowMs) ?? state.live.get([...state.pending][0] ?? -1);
  return trial === undefined ? "nothing is pending" : `trial ${trial.number} ${waitWords(state, trial, nowMs)}`;
}

/** What a pending trial waits for. */
export function waitWords(state: SearchState, trial: TrialState, nowMs: number): string {
  if (state.status === "paused") return "waits because its search is paused";
  const leftMs = trial.retryAtMs - nowMs;
  if (leftMs > 0) {
    return `waits to be retried, not before ${new Date(trial.retryAtMs).toISOString()} (in ${Math.ceil(leftMs / 1000)} s)`;
  }
  // Only of the first in line is it looked why it can't be placed: what the log has of another one is old.
  const head = headOf(state, nowMs);
  if (head !== undefined && head !== trial) return `waits behind trial ${head.number}`;
  if (trial.deferred !== "") return `can't be placed: ${trial.deferred}`;
  if (trial.blamedAgentId !== "")
    return `waits for a slot of another agent than ${trial.blamedAgentId}, where it ended as a user error`;
  return trial.failures > 0 ? "waits for a free slot, to be retried" : "waits for a free slot";
}

/** The first of those that wait which may run now. */
function headOf(state: SearchState, nowMs: number): TrialState | undefined {
  for (const number of state.pending) {
    const trial = state.live.get(number);
    if (trial !== undefined && trial.retryAtMs <= nowMs) return trial;
  }
  return undefined;
}
