/** Where an attempt goes on from. */
import type { ArtifactRef } from "@regulus/proto";
import type { SearchState } from "./search-state.js";
import type { TrialState } from "./trial-state.js";

/** A checkpoint to go on from, and the step that it holds. */
export interface ResumePoint {
  readonly ref: ArtifactRef | undefined;
  readonly step: number;
  /** The trial that the work was to start from and that never saved; undefined where that is not so. */
  readonly missing: number | undefined;
}

/** The newest checkpoint that a trial's work may go on from: another trial's where the work says so and nothing was saved since. */
export function resumePoint(state: SearchState, trial: TrialState): ResumePoint {
  const own: ResumePoint = { ref: trial.checkpoint?.ref, step: trial.checkpoint?.step ?? 0, missing: undefined };
  const { fromTrial } = trial.work;
  const savedSince = (trial.checkpoint?.position ?? 0) > trial.workPosition;
  if (fromTrial === undefined || savedSince) return own;
  const live = state.live.get(fromTrial);
  const source =
    live === undefined
      ? { ref: state.archive.get(state.searchId, fromTrial)?.checkpoint, step: state.archive.checkpointStep(fromTrial) }
      : { ref: live.checkpoint?.ref, step: live.checkpoint?.step ?? 0 };
  return source.ref === undefined ? { ...own, missing: fromTrial } : { ...source, missing: undefined };
}
