/** The facts that end trials and searches, and that pause trials. Pure. */
import { type ArtifactRef, EndReason, type Finished } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import type { SearchState } from "./search-state.js";
import type { TrialState } from "./trial-state.js";
import type { Verdict } from "./verdict.js";

/** The end of a trial. Its final measurement is that of `finished`, else its last one where its end is a good one. */
export function trialEnded(trial: TrialState, reason: EndReason, message: string, finished?: Finished): FactKind {
  const lastCounts = reason === EndReason.END_REASON_STOPPED_EARLY;
  return {
    $case: "trialEnded",
    value: {
      trial: trial.number,
      attempt: trial.attempt,
      reason,
      message,
      final: finished?.final ?? (lastCounts ? trial.last : undefined),
      artifacts: finished?.artifacts ?? [],
      startedMs: finished?.startedMs ?? 0,
    },
  };
}

/** The pause of a trial at a step, with what it left: it waits for its strategy. */
export function trialPaused(trial: TrialState, step: number, artifacts: ArtifactRef[] = []): FactKind {
  return { $case: "trialPaused", value: { trial: trial.number, attempt: trial.attempt, step, artifacts } };
}

/** The ends of all trials that hold no lease. */
export function restEnded(state: SearchState, message: string): FactKind[] {
  const rest = [...state.live.values()].filter((trial) => trial.status !== "running");
  return rest.map((trial) => trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, message));
}

/** The request to end a search, and as what the end counts, with the ends of all trials that hold no lease. */
export function stopRequested(state: SearchState, reason: string, counts: "completed" | "stopped" | "failed"): FactKind[] {
  const value = { reason, completed: counts === "completed", failed: counts === "failed" };
  return [{ $case: "searchStopRequested", value }, ...restEnded(state, `the search ends: ${reason}`)];
}

/** The end of a search in which nothing runs. */
export function searchEnded({ outcome, reason }: Verdict): FactKind {
  return { $case: "searchEnded", value: { outcome, reason } };
}
