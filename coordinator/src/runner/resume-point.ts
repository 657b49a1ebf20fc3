/** Where an attempt goes on from. */
import type { ArtifactRef } from "@regulus/proto";
import type { SearchState } from "../search/search-state.js";
import type { TrialState } from "../search/trial-state.js";

/** A checkpoint to go on from, and the step that it holds. */
export interface ResumePoint {
  readonly ref: ArtifactRef | undefined;
  readonly step: number;
}

/** The newest checkpoint that a trial's work may go on from: another trial's where the work says so and nothing was saved since. */
export function resumePoint(state: SearchState, trial: TrialState): ResumePoint {
  const own: ResumePoint = { ref: trial.checkpoint?.ref, step: trial.checkpoint?.step ?? 0 };
  const { fromTrial } = trial.work;
  const savedSince = (trial.checkpoint?.position ?? 0) > trial.workPosition;
  if (fromTrial === undefined || savedSince) return own;
  const live = state.live.get(fromTrial);
  const source: ResumePoint =
    live === undefined
      ? { ref: state.archive.get(state.searchId, fromTrial)?.checkpoint, step: state.archive.checkpointStep(fromTrial) }
      : { ref: live.checkpoint?.ref, step: live.checkpoint?.step ?? 0 };
  return source.ref === undefined ? own : source;
}
