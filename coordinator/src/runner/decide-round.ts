/** What a round decides: everything that waits and what follows from it; or, while the log is full, only what makes room in it. */
import { RegulusError } from "@regulus/proto";
import type { Deciding } from "./deciding.js";
import type { Inbox, Job } from "./inbox.js";
import type { Outbox } from "./outbox.js";
import type { Placing } from "./placing.js";
import type { SearchEntry } from "./search-entry.js";

/** What a round works on. */
export interface RoundParts {
  readonly inbox: Inbox;
  readonly deciding: Deciding;
  readonly placing: Placing;
  /** Time of the round. */
  readonly nowMs: number;
}

/** Decides what waits, asks strategies for what is next and plans. Answers the searches that were looked at. */
export function decideRound({ inbox, deciding, placing, nowMs }: RoundParts, outbox: Outbox): Set<SearchEntry> {
  deciding.takeUp();
  for (const job of inbox.take()) run(job, outbox);
  const changed = deciding.takeTouched();
  for (const entry of changed) deciding.progress(entry);
  placing.place(nowMs);
  for (const entry of deciding.takeTouched()) changed.add(entry);
  return changed;
}

/** Decides what makes room and ends what it stops. Everything else waits for a round of the other kind. */
export function decideRoom({ inbox, deciding }: RoundParts, outbox: Outbox): Set<SearchEntry> {
  const later = deciding.takeTouched();
  for (const job of inbox.take()) run(job, outbox);
  const changed = deciding.takeTouched();
  for (const entry of changed) deciding.endStopped(entry);
  deciding.takeTouched();
  for (const entry of [...later, ...changed]) deciding.touch(entry);
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
