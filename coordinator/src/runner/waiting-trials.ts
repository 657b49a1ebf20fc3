/** The searches with trials that are ready to run, as the planner sees them. */
import { defaults } from "@regulus/proto";
import { needsOf } from "../plan/match.js";
import type { PlanSearch, ReadyTrial } from "../plan/plan.js";
import type { SearchState } from "../search/search-state.js";
import type { SearchEntry } from "./search-entry.js";

/** At most `max` trials of each search, those that wait longest. */
export function waitingTrials(entries: Iterable<SearchEntry>, nowMs: number, max: number): PlanSearch[] {
  const searches: PlanSearch[] = [];
  for (const { state } of entries) {
    if (state.status !== "running" || state.pending.size === 0) continue;
    const ready = readyTrials(state, nowMs, max);
    if (ready.length === 0) continue;
    const { searchId, spec } = state;
    const slotsUsed = state.running.size * state.slots;
    searches.push({ searchId, priority: spec.priority, slotsUsed, needs: needsOf(spec), ready });
  }
  return searches;
}

/** Whether there is still time to wait; more than any retry waits means that the clock was set back. */
function isEarly(leftMs: number): boolean {
  return leftMs > 0 && leftMs <= defaults.retryBackoffMsMax;
}

function readyTrials(state: SearchState, nowMs: number, max: number): ReadyTrial[] {
  const ready: ReadyTrial[] = [];
  for (const number of state.pending) {
    const trial = state.live.get(number);
    if (trial === undefined || isEarly(trial.retryAtMs - nowMs)) continue;
    // Nothing is said of residency by agents: the one that worked on it last is the one that may hold it.
    const prefer = trial.agentId === trial.failedAgentId ? "" : trial.agentId;
    ready.push({ trial: number, avoid: trial.failedAgentId, prefer });
    if (ready.length >= max) break;
  }
  return ready;
}
