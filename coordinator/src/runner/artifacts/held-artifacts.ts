/** Which artifacts a trial holds in the store, and what a fact changes in that. */
import { type ArtifactRef, EndReason, type Fact, isTrialFailure, type Trial, type Work } from "@regulus/proto";
import { keptRefs } from "../../search/checkpoints.js";
import type { FactKind } from "../../search/commands.js";
import type { SearchState } from "../../search/search-state.js";
import type { TrialState } from "../../search/trial-state.js";

/** Facts after which a trial may hold other artifacts. */
const changing: ReadonlySet<FactKind["$case"]> = new Set([
  "trialProposed",
  "trialResumed",
  "trialRetried",
  "trialMeasured",
  "trialCheckpointed",
  "checkpointDamaged",
  "trialPaused",
  "trialEnded",
]);

/** What a fact about a trial changed. */
export interface HeldChange {
  /** One more reference to each, first: what is in both stays in the store. */
  readonly gained: readonly ArtifactRef[];
  readonly lost: readonly ArtifactRef[];
}

const nothing: readonly ArtifactRef[] = [];
const unchanged: HeldChange = { gained: nothing, lost: nothing };
const noChange = (): HeldChange => unchanged;

/** Looks at a trial before a fact; what it answers tells, once the state knows the fact, what changed. */
export function watchHeld(state: SearchState, kind: Fact["kind"]): () => HeldChange {
  if (kind === undefined || !changing.has(kind.$case) || !("trial" in kind.value)) return noChange;
  const number = kind.value.trial ?? -1;
  const before = state.live.get(number);
  // One that is tried again is out of the archive then.
  const held = kind.$case === "trialRetried" ? heldByEnded(state.trial(number)) : heldBy(before);
  const { checkpoints, artifacts } = before ?? {};
  const inputs = before?.work.inputs;
  return () => {
    // A trial that ended is out of the state, and was told its end.
    const trial = before ?? state.live.get(number);
    const isSame = trial?.checkpoints === checkpoints && trial?.artifacts === artifacts && trial?.work.inputs === inputs;
    if (trial !== undefined && isSame && trial.end === undefined) return unchanged;
    const holds = heldBy(trial);
    return holds.length + held.length === 0 ? unchanged : { gained: holds, lost: held };
  };
}

/** What a search itself holds, from its creation until it is deleted: results of other searches, which it may ask for whenever it gets more budget. */
export function heldBySearch({ createdSpec }: SearchState): readonly ArtifactRef[] {
  return createdSpec.inputs.flatMap(({ results }) =>
    results.flatMap(({ artifact }) => (artifact === undefined ? [] : [artifact])),
  );
}

/** What a trial holds now, once for each reference. */
export function heldOf(state: SearchState, number: number): readonly ArtifactRef[] {
  const live = state.live.get(number);
  return live === undefined ? heldByEnded(state.trial(number)) : heldBy(live);
}

/** What a trial that is over holds. */
function heldByEnded(trial: Trial | undefined): readonly ArtifactRef[] {
  if (trial === undefined) return nothing;
  const inputs = mayGoOn(trial.reason) ? inputsOf(trial.work) : nothing;
  return [trial.checkpoint, trial.bestCheckpoint, ...trial.artifacts, ...inputs].filter((ref) => ref !== undefined);
}

/** Whether a trial that ended so may be tried again, and then needs its inputs: one that failed, or that a failed search stopped. */
function mayGoOn(reason: EndReason): boolean {
  return isTrialFailure(reason) || reason === EndReason.END_REASON_STOPPED_EARLY;
}

function heldBy(trial: TrialState | undefined): readonly ArtifactRef[] {
  if (trial === undefined) return nothing;
  const kept = keptRefs(trial.checkpoints);
  const inputs = trial.end === undefined || mayGoOn(trial.end.reason) ? inputsOf(trial.work) : nothing;
  return trial.artifacts.length + inputs.length === 0 ? kept : [...kept, ...trial.artifacts, ...inputs];
}

/** What was pinned for a trial's work. */
function inputsOf(work: Work | undefined): readonly ArtifactRef[] {
  return work === undefined || work.inputs.length === 0
    ? nothing
    : work.inputs.flatMap(({ artifact }) => (artifact === undefined ? [] : [artifact]));
}
