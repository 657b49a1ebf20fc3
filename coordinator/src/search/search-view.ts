/** A search as clients see it, without the values of its program's environment. */
import { type Search, type SearchSpec, SearchStatus } from "@regulus/proto";
import type { SearchState } from "./search-state.js";

const statuses = {
  running: SearchStatus.SEARCH_STATUS_RUNNING,
  paused: SearchStatus.SEARCH_STATUS_PAUSED,
  stopping: SearchStatus.SEARCH_STATUS_STOPPING,
  ended: SearchStatus.SEARCH_STATUS_ENDED,
} as const;

/** The message; `spec` is its problem as it may be shown. */
export function searchView(state: SearchState, spec: SearchSpec): Search {
  return {
    searchId: state.searchId,
    spec,
    status: statuses[state.status],
    outcome: state.outcome,
    reason: state.reason,
    position: state.position,
    createdMs: state.createdMs,
    endedMs: state.endedMs,
    counts: {
      pending: state.pending.size,
      running: state.running.size,
      paused: state.live.size - state.pending.size - state.running.size,
      done: state.done,
      stopped: state.stopped,
      failed: state.failed,
    },
    bestTrial: state.bestTrial,
    bestValue: state.bestTrial === undefined ? undefined : state.bestValue,
    steps: state.steps,
    slotSeconds: state.cost.slotSeconds,
    arms: state.arms.view(),
    wastedSlotSeconds: state.cost.wastedSlotSeconds,
    wastedByReason: state.cost.wastedByReason(),
    strategyStepsAccepted: state.news.stepsAccepted,
    strategyStepsRefused: state.news.stepsRefused,
    ranMs: state.time.ranMs,
    runningSinceMs: state.time.sinceMs ?? 0,
    failureGroups: state.failureGroups.view(),
  };
}
