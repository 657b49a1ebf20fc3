/** Why a running trial is to stop, from the facts alone. */
import { EndReason } from "@regulus/proto";
import type { SearchState } from "../../search/search-state.js";
import type { TrialState } from "../../search/trial-state.js";

/** Why a running trial is to stop now; undefined where it is not. */
export function stopOf(
  state: SearchState,
  trial: TrialState,
): { readonly reason: EndReason; readonly message: string } | undefined {
  if (trial.stopReason !== undefined) return { reason: EndReason.END_REASON_STOPPED_EARLY, message: trial.stopReason };
  if (trial.pauseReason !== undefined) return { reason: EndReason.END_REASON_PREEMPTED, message: trial.pauseReason };
  if (state.status === "paused") return { reason: EndReason.END_REASON_PREEMPTED, message: state.reason };
  // One that reached its step only has to say so: stopping it would turn a done trial into a stopped one.
  const reached = trial.work.untilStep > 0 && trial.step >= trial.work.untilStep;
  if (state.status !== "stopping" || reached) return undefined;
  return { reason: EndReason.END_REASON_STOPPED_EARLY, message: state.reason };
}
