/** A trial that is not over, or ends just now, as clients see it. */
import { EndReason, type Trial, TrialStatus } from "@regulus/proto";
import type { TrialState } from "./trial-state.js";

/** The message. */
export function trialView(searchId: string, trial: TrialState): Trial {
  return {
    searchId,
    trial: trial.number,
    status: trial.end ? TrialStatus.TRIAL_STATUS_ENDED : statuses[trial.status],
    reason: trial.end?.reason ?? EndReason.END_REASON_UNSPECIFIED,
    message: trial.end?.message ?? (trial.status === "pending" ? trial.deferred : ""),
    work: trial.work,
    attempts: trial.attempt,
    last: trial.last && { ...trial.last, attempt: trial.lastAttempt },
    best: trial.best && { ...trial.best, attempt: trial.bestAttempt },
    checkpoint: trial.checkpoints.newest?.ref,
    checkpointStep: trial.checkpoints.newest?.step ?? 0,
    bestCheckpoint: trial.checkpoints.best?.ref,
    bestCheckpointStep: trial.checkpoints.best?.step ?? 0,
    artifacts: [...trial.artifacts],
    agentId: trial.agentId,
    proposedMs: trial.proposedMs,
    startedMs: trial.startedMs,
    endedMs: trial.end?.atMs ?? 0,
    value: Number.isNaN(trial.counted.value) ? undefined : trial.counted.value,
    valueStep: Number.isNaN(trial.counted.value) ? undefined : trial.counted.step,
  };
}

const statuses = {
  pending: TrialStatus.TRIAL_STATUS_PENDING,
  running: TrialStatus.TRIAL_STATUS_RUNNING,
  paused: TrialStatus.TRIAL_STATUS_PAUSED,
} as const;
