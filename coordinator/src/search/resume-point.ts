/** Where an attempt goes on from. */
import type { ArtifactRef } from "@regulus/proto";
import type { TrialState } from "./trial-state.js";

/** A checkpoint to go on from, and the step that it holds. */
export interface ResumePoint {
  readonly ref: ArtifactRef | undefined;
  readonly step: number;
  /** The trial that the work was to start from and that never saved; undefined where that is not so. */
  readonly missing: number | undefined;
}

/** The checkpoint that a trial's work goes on from: the other trial's where the work says so and nothing was saved since, else its own. */
export function resumePoint(trial: TrialState): ResumePoint {
  const own: ResumePoint = { ref: trial.checkpoint?.ref, step: trial.checkpoint?.step ?? 0, missing: undefined };
  const { fromTrial } = trial.work;
  const savedSince = (trial.checkpoint?.position ?? 0) > trial.workPosition;
  if (fromTrial === undefined || savedSince) return own;
  const { source } = trial;
  return source === undefined ? { ...own, missing: fromTrial } : { ref: source.ref, step: source.step, missing: undefined };
}
