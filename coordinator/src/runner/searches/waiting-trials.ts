/** The searches with trials that are ready to run, as the planner sees them. */
import { defaults } from "@regulus/proto";
import { needsOf } from "../../plan/match.js";
import type { PlanSearch, ReadyTrial } from "../../plan/plan.js";
import type { SearchState } from "../../search/search-state.js";
import type { SearchEntry } from "./search-entry.js";

/** At most `max` trials of each search, those that wait longest. Searches whose trials only run are there too: they have a share. */
export function waitingTrials(entries: Iterable<SearchEntry>, nowMs: number, max: number): PlanSearch[] {
  const searches: PlanSearch[] = [];
  for (const { state } of entries) {
    const active = state.pending.size + state.running.size;
    if (state.status === "ended" || active === 0) continue;
    // Trials that are tried again may be more than may run at once.
    const room = Math.max(1, state.spec.parallelism) - state.running.size;
    const places = state.status === "running" && room > 0 && state.pending.size > 0;
    const ready = places ? readyTrials(state, nowMs, Math.min(max, room)) : [];
    if (ready.length === 0 && state.running.size === 0) continue;
    searches.push(planSearch(state, ready, nowMs));
  }
  return searches;
}

function planSearch(state: SearchState, ready: readonly ReadyTrial[], nowMs: number): PlanSearch {
  const { searchId, spec, slots, usage } = state;
  const active = state.running.size + state.pending.size;
  const slotsUsed = state.running.size * slots;
  const waitsSinceMs = Math.max(usage.startedMs, state.live.get(ready[0]?.trial ?? -1)?.readyMs ?? 0);
  return {
    searchId,
    priority: spec.priority,
    weight: Math.max(1, spec.weight ?? 1),
    slotsUsed,
    slotsWanted: ready.length === 0 ? slotsUsed : Math.min(Math.max(1, spec.parallelism), active) * slots,
    slotSeconds: usage.at(nowMs),
    attemptSeconds: usage.attemptSeconds,
    waitedMs: Math.max(0, nowMs - waitsSinceMs),
    needs: needsOf(spec),
    keptOff: new Set(state.agentRecords.keptOff(nowMs)),
    ready,
  };
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
    ready.push({ trial: number, avoid: trial.failedAgentId, prefer, elsewhere: trial.blamedAgentId !== "" });
    if (ready.length >= max) break;
  }
  return ready;
}
