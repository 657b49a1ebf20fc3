/** Handles a checkpoint that an agent cannot restore: it no longer counts, and a finding says where its trial continues. Pure. */
import { cutText, limits, type Unrestorable } from "@regulus/proto";
import { withoutDamaged } from "./checkpoints.js";
import type { FactKind } from "./commands.js";
import { resumePoint } from "./resume-point.js";
import type { TrialState } from "./trial-state.js";

/** The facts; none where the trial does not go on from that checkpoint, as in a repeated report. */
export function checkpointDamaged(trial: TrialState, { checkpoint, message }: Unrestorable): FactKind[] {
  const { ref, step } = resumePoint(trial);
  if (ref === undefined || ref.sha256 !== checkpoint?.sha256) return [];
  const next = resumePoint({ ...trial, checkpoints: withoutDamaged(trial.checkpoints, ref.sha256) });
  const { number, attempt } = trial;
  const damaged: FactKind = {
    $case: "checkpointDamaged",
    value: {
      trial: number,
      attempt,
      step,
      checkpoint: ref,
      message: cutText(message, limits.textCharactersMax),
      goesOnFromStep: next.step,
    },
  };
  const isLast = next.ref === undefined;
  const then = isLast ? "no other is left, so it begins again at step 0" : `it continues from step ${next.step}`;
  const words = `the checkpoint at step ${step} can't be restored: ${then} (${message})`;
  const found = { trial: number, source: "coordinator", severity: isLast ? "error" : "warning" };
  return [damaged, { $case: "findingReported", value: { ...found, message: cutText(words, limits.textCharactersMax) } }];
}
