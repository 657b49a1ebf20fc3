/** Decisions of a round: everything that waits and its consequences; while the log is full, only what frees space. */
import { RegulusError } from "@regulus/proto";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Decisions } from "./decisions.js";
import type { Inbox, Job } from "./inbox.js";
import type { Outbox } from "./outbox.js";
import type { Placement } from "./placement.js";

/** What a round works on. */
export interface RoundParts {
  readonly inbox: Inbox;
  readonly decisions: Decisions;
  readonly placement: Placement;
  /** Time of the round. */
  readonly nowMs: number;
}

/** Decides what waits, asks strategies for what is next and plans. Answers the searches that were looked at. */
export function decideRound({ inbox, decisions, placement, nowMs }: RoundParts, outbox: Outbox): Set<SearchEntry> {
  decisions.takeUp();
  for (const job of inbox.take()) run(job, outbox);
  const changed = decisions.takeTouched();
  for (const entry of changed) decisions.progress(entry);
  placement.place(nowMs);
  for (const entry of decisions.takeTouched()) changed.add(entry);
  return changed;
}

/** Decides what makes room and ends what it stops. Everything else waits for a round of the other kind. */
export function decideRoom({ inbox, decisions }: RoundParts, outbox: Outbox): Set<SearchEntry> {
  const later = decisions.takeTouched();
  for (const job of inbox.take()) run(job, outbox);
  const changed = decisions.takeTouched();
  for (const entry of changed) decisions.endStopped(entry);
  decisions.takeTouched();
  for (const entry of [...later, ...changed]) decisions.touch(entry);
  return changed;
}

function run(job: Job, outbox: Outbox): void {
  try {
    outbox.waiting.push({ resolve: job.run(), job });
  } catch (thrown) {
    if (!(thrown instanceof RegulusError)) throw thrown;
    // The refusal may rest on facts of this very round, so it waits for them like an answer.
    outbox.waiting.push({ resolve: () => job.reject(thrown), job });
  }
}
