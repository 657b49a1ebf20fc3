/** The trainer's words for an end as the contract's. */
import { EndReason } from "@regulus/proto";
import type { OutcomeReason } from "../trial/trainer.js";

const reasons: Readonly<Record<OutcomeReason, EndReason>> = {
  done: EndReason.END_REASON_DONE,
  "stopped-early": EndReason.END_REASON_STOPPED_EARLY,
  preempted: EndReason.END_REASON_PREEMPTED,
  diverged: EndReason.END_REASON_DIVERGED,
  infeasible: EndReason.END_REASON_INFEASIBLE,
  "user-error": EndReason.END_REASON_USER_ERROR,
  "out-of-memory": EndReason.END_REASON_OUT_OF_MEMORY,
  lost: EndReason.END_REASON_LOST,
};

export function endReasonOf(reason: OutcomeReason): EndReason {
  return reasons[reason];
}
