/** Goes on with a search that was read from the log: its leases, its waits and its wall time are those of now. */
import type { SearchEntry } from "../searches/search-entry.js";
import type { Decisions } from "./decisions.js";
import type { LeaseDesk } from "./lease-desk.js";
import type { TimeAway } from "./time-away.js";
import type { WakeUps } from "./wake-ups.js";

/** Who has to know of it. */
export interface TakeUpParts {
  readonly leases: LeaseDesk;
  readonly wakeUps: WakeUps;
  readonly away: TimeAway;
  readonly decisions: Decisions;
  readonly nowMs: number;
}

export function takeUp(entry: SearchEntry, { leases, wakeUps, away, decisions, nowMs }: TakeUpParts): void {
  if (!entry.active) return;
  const { state } = entry;
  for (const number of state.running) leases.recall(state, number, nowMs);
  for (const number of state.pending) wakeUps.retry(entry, state.live.get(number)?.retryAtMs ?? 0, nowMs);
  entry.awaySinceMs = away.sinceMs(state);
  wakeUps.wallTime(entry);
  decisions.touch(entry);
}
