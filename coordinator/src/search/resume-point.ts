/** Where an attempt goes on from, and work that begins at another trial. */
import type { ArtifactRef } from "@regulus/proto";
import type { Source } from "./checkpoints.js";
import type { TrialArchive } from "./trial-archive.js";
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
  if (savedSince) return own;
  if (source === undefined) return { ...own, missing: fromTrial };
  return { ref: source.newest.ref, step: source.newest.step, missing: undefined };
}

/** The trials of a search. */
export interface Trials {
  readonly searchId: string;
  readonly live: ReadonlyMap<number, TrialState>;
  readonly archive: TrialArchive;
}

/** What work begins from that starts at another trial, told of at a position: the checkpoints that trial has now; undefined where it has none. */
export function sourceOf({ searchId, live, archive }: Trials, number: number, position: number): Source | undefined {
  const trial = live.get(number);
  if (trial !== undefined) {
    const { newest, before } = trial.checkpoints;
    return newest && { newest, before };
  }
  const ended = archive.get(searchId, number);
  const ref = ended?.checkpoint;
  return ref && { newest: { ref, step: ended.checkpointStep, position, value: Number.NaN }, before: undefined };
}
