/** Which artifacts a trial holds in the store, and what a fact changes in that. */
import type { ArtifactRef, Fact, Trial } from "@regulus/proto";
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
  return () => {
    // A trial that ended is out of the state, and was told its end.
    const trial = before ?? state.live.get(number);
    const isSame = trial?.checkpoints === checkpoints && trial?.artifacts === artifacts;
    if (trial !== undefined && isSame && trial.end === undefined) return unchanged;
    const holds = heldBy(trial);
    return holds.length + held.length === 0 ? unchanged : { gained: holds, lost: held };
  };
}

function heldByEnded(trial: Trial | undefined): readonly ArtifactRef[] {
  return [trial?.checkpoint, trial?.bestCheckpoint, ...(trial?.artifacts ?? [])].filter((ref) => ref !== undefined);
}

function heldBy(trial: TrialState | undefined): readonly ArtifactRef[] {
  if (trial === undefined) return nothing;
  const kept = keptRefs(trial.checkpoints);
  return trial.artifacts.length === 0 ? kept : [...kept, ...trial.artifacts];
}
