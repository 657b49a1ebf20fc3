/** A search as clients see it, without the values of its program's environment. */

import type { SearchCourse } from "@regulus/proto";
import { type Search, type SearchSpec, SearchStatus } from "@regulus/proto";
import type { Arms } from "./arms.js";
import type { Cost } from "./cost.js";
import type { FailureGroups } from "./failure-groups.js";
import type { News } from "./news.js";

/** What a state has to tell of its search. */
export interface ShownSearch extends SearchCourse {
  readonly searchId: string;
  readonly position: number;
  readonly createdMs: number;
  readonly live: { readonly size: number };
  readonly pending: { readonly size: number };
  readonly running: { readonly size: number };
  readonly done: number;
  readonly stopped: number;
  readonly failed: number;
  readonly bestTrial: number | undefined;
  readonly bestValue: number;
  readonly steps: number;
  readonly cost: Cost;
  readonly arms: Arms;
  readonly news: News;
  readonly failureGroups: FailureGroups;
}

const statuses = {
  running: SearchStatus.SEARCH_STATUS_RUNNING,
  paused: SearchStatus.SEARCH_STATUS_PAUSED,
  stopping: SearchStatus.SEARCH_STATUS_STOPPING,
  ended: SearchStatus.SEARCH_STATUS_ENDED,
} as const;

/** The message; `spec` is its problem as it may be shown. */
export function searchView(state: ShownSearch, spec: SearchSpec): Search {
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
