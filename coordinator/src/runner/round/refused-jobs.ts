/** What becomes of those who wait for a round that the log did not take. */
import type { RegulusError } from "@regulus/proto";
import type { Inbox } from "./inbox.js";
import type { Outbox } from "./outbox.js";

/** They are refused. On a full log (`goesOn`) those whose commands make room are taken again, in their order. */
export function refuseJobs(
  outbox: Outbox,
  { inbox, error, goesOn }: { inbox: Inbox; error: RegulusError; goesOn: boolean },
): void {
  for (const { job } of outbox.waiting.toReversed()) {
    if (goesOn && job.makesRoom) inbox.takeAgain(job);
    else job.reject(error);
  }
}
