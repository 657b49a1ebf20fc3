/**
 * The checkpoints that are kept of a trial, folded from its facts: the newest, the one before it to fall back to, the best, and the one of another
 * trial that its work begins from. A checkpoint counts for what was measured at its step, else at the nearest step before it.
 */
import { type ArtifactRef, isBetter, type Measurement, metricOf, type Objective, type Trial } from "@regulus/proto";
import { RecentValues } from "./recent-values.js";

/** A checkpoint and the step that it holds. */
export interface Checkpoint {
  readonly ref: ArtifactRef;
  readonly step: number;
  /** Position of the fact that told of it. */
  readonly position: number;
  /** First objective that it counts for; NaN for none. */
  readonly value: number;
}

/** Another trial's checkpoint, and that trial's one before. */
export interface Source {
  readonly newest: Checkpoint;
  readonly before: Checkpoint | undefined;
}

export interface TrialCheckpoints {
  readonly newest: Checkpoint | undefined;
  readonly before: Checkpoint | undefined;
  /** The best of those before the newest, whose own value may still be measured. */
  readonly rival: Checkpoint | undefined;
  /** The better of `newest` and `rival`. */
  readonly best: Checkpoint | undefined;
  /** What its work begins from, as it was when the work was given; undefined once it saved its own. */
  readonly source: Source | undefined;
  /** First objectives since the newest checkpoint. Grows in place. */
  readonly recent: RecentValues;
}

/** Those of a trial that has none yet. */
export function noCheckpoints(): TrialCheckpoints {
  return {
    newest: undefined,
    before: undefined,
    rival: undefined,
    best: undefined,
    source: undefined,
    recent: new RecentValues(),
  };
}

/** A checkpoint was stored. */
export function withSaved(kept: TrialCheckpoints, saved: Omit<Checkpoint, "value">, objective: Objective): TrialCheckpoints {
  const newest = { ...saved, value: kept.recent.at(saved.step) };
  kept.recent.since(saved.step);
  return {
    newest,
    before: kept.newest,
    rival: kept.best,
    best: betterOf(newest, kept.best, objective),
    source: undefined,
    recent: kept.recent,
  };
}

/** A step was measured; the newest checkpoint may be of that very step. */
export function withMeasured(kept: TrialCheckpoints, { step, metrics }: Measurement, objective: Objective): TrialCheckpoints {
  const value = metricOf(metrics, objective.metric);
  if (value === undefined || !Number.isFinite(value)) return kept;
  kept.recent.add(step, value);
  if (kept.newest?.step !== step) return kept;
  const newest = { ...kept.newest, value };
  return { ...kept, newest, best: betterOf(newest, kept.rival, objective) };
}

/** An attempt begins at a step: what was measured past it is measured anew. */
export function withAttempt(kept: TrialCheckpoints, fromStep: number): TrialCheckpoints {
  kept.recent.upTo(fromStep);
  return kept;
}

/** A checkpoint can't be restored: whatever role it had, what is left takes its place. */
export function withoutDamaged(kept: TrialCheckpoints, sha256: string): TrialCheckpoints {
  const whole = (one: Checkpoint | undefined) => (one?.ref.sha256 === sha256 ? undefined : one);
  const [newest, before, rival] = [whole(kept.newest), whole(kept.before), whole(kept.rival)];
  // Where the newest was the best, the best of those before it is.
  const best = whole(kept.best) ?? rival;
  const sources = [whole(kept.source?.newest), whole(kept.source?.before)].filter((one) => one !== undefined);
  const [first, second] = sources;
  const source = first && { newest: first, before: second };
  // The best may be older than the one before, and is all that is left where there is none.
  if (newest === undefined) return { ...kept, newest: before ?? rival, before: before && rival, rival, best, source };
  return { ...kept, newest, before, rival, best, source };
}

/** The trial is over: what a person may want of it stays. */
export function withEnd(kept: TrialCheckpoints): TrialCheckpoints {
  return { ...kept, before: undefined, rival: kept.best, source: undefined, recent: new RecentValues() };
}

/** Those of a trial that is over, from what clients see of it. */
export function endedCheckpoints({ checkpoint, checkpointStep, bestCheckpoint, bestCheckpointStep }: Trial): TrialCheckpoints {
  const at = (ref: ArtifactRef | undefined, step: number) => ref && { ref, step, position: 0, value: Number.NaN };
  return { ...noCheckpoints(), newest: at(checkpoint, checkpointStep), best: at(bestCheckpoint, bestCheckpointStep) };
}

/** A trial that was over is tried again: it goes on from its newest, falls back to its best, and what they counted for counts no more. */
export function withNewLife({ newest, best }: TrialCheckpoints): TrialCheckpoints {
  const [first, second] = [newest, best].map((one) => one && { ...one, position: 0, value: Number.NaN });
  return { ...noCheckpoints(), newest: first, rival: second, best: second };
}

const none: readonly ArtifactRef[] = [];

/** Everything that these keep in the store, once for each role. */
export function keptRefs({ newest, before, rival, source }: TrialCheckpoints): readonly ArtifactRef[] {
  if ((newest ?? before ?? rival ?? source) === undefined) return none;
  const refs: ArtifactRef[] = [];
  for (const one of [newest, before, rival, source?.newest, source?.before]) if (one !== undefined) refs.push(one.ref);
  return refs;
}

function betterOf(a: Checkpoint, b: Checkpoint | undefined, objective: Objective): Checkpoint | undefined {
  return isBetter(a.value, b?.value ?? Number.NaN, objective) ? a : b;
}
