/** Where an attempt goes on from. */
import type { ArtifactRef } from "@regulus/proto";
import type { TrialState } from "./trial-state.js";

/** A checkpoint to go on from, and the step that it holds. */
export interface ResumePoint {
  readonly ref: ArtifactRef | undefined;
  readonly step: number;
  /** The trial that the work was to start from and of which no checkpoint is there; undefined where that is not so. */
  readonly missing: number | undefined;
}

/** The checkpoint that a trial's work goes on from: the other trial's where the work says so and nothing was saved since, else its own. */
export function resumePoint(trial: TrialState): ResumePoint {
  const { newest, source } = trial.checkpoints;
  const own: ResumePoint = { ref: newest?.ref, step: newest?.step ?? 0, missing: undefined };
  const { fromTrial } = trial.work;
  const savedSince = (newest?.position ?? 0) > trial.workPosition;
  if (fromTrial === undefined || savedSince) return own;
  if (source === undefined) return { ...own, missing: fromTrial };
  return { ref: source.newest.ref, step: source.newest.step, missing: undefined };
}
