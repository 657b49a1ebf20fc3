/**
 * Trials that have nothing left to do for their work, since a program has measured at its step or past it: no attempt is made for what the log has.
 * And the word about programs that save nothing while their strategy pauses them. Pure. Of programs only: other procedures stop at their step, and
 * what they leave is made at the end.
 */
import type { Proposal } from "@regulus/algorithms/core";
import { EndReason, type Finished } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { trialEnded, trialPaused } from "./endings.js";
import { findingSource, type SearchState } from "./search-state.js";
import type { TrialState } from "./trial-state.js";

type Resume = Extract<Proposal, { kind: "resume" }>;

/** Reasons for which an attempt ends without fault of its program. */
const fromOutside: ReadonlySet<EndReason> = new Set([
  EndReason.END_REASON_LOST,
  EndReason.END_REASON_OUT_OF_MEMORY,
  EndReason.END_REASON_TIMED_OUT,
]);

/** The fact that follows at once on a resume whose step was passed before; undefined where an attempt is needed. */
export function passedBefore(trial: TrialState, proposal: Resume): FactKind | undefined {
  const { untilStep, final, parameters, options, fromTrial, vectors } = proposal;
  const isSame = parameters === undefined && options === undefined && fromTrial === undefined && vectors === undefined;
  const step = trial.last?.step ?? -1;
  if (!isSame || !isMeasured(trial) || untilStep === 0 || step < untilStep) return undefined;
  return final ? trialEnded(trial, EndReason.END_REASON_DONE, "", finishedAt(trial)) : trialPaused(trial, step);
}

/** The end of the work of a trial whose attempt was ended from outside after it had measured at its step; undefined where it had not. */
export function doneBefore(
  { objective }: SearchState,
  trial: TrialState,
  end: { readonly reason: EndReason; readonly message: string; readonly finished?: Finished },
): FactKind[] | undefined {
  const { untilStep, final } = trial.work;
  const newest = end.finished?.final;
  const step = Math.max(trial.measuredStep, newest?.step ?? -1);
  const hasValue =
    isMeasured(trial) || (isProgram(trial) && newest !== undefined && Object.hasOwn(newest.metrics, objective.metric));
  if (!fromOutside.has(end.reason) || !hasValue || untilStep === 0 || step < untilStep) return undefined;
  if (!final) return [trialPaused(trial, step)];
  const message = `it had measured at its last step before its attempt ended: ${end.message}`;
  return [trialEnded(trial, EndReason.END_REASON_DONE, message, finishedAt(trial, end.finished))];
}

/** Whether a program that has measured at its step would still have saved there: programs of its search save, and it has not yet. */
export function savesLater({ saves }: SearchState, trial: TrialState): boolean {
  return isProgram(trial) && saves && (trial.checkpoints.newest?.step ?? -1) < trial.work.untilStep;
}

/** What is told once of a search whose strategy pauses a program that has saved nothing. */
export function unsavedPause(state: SearchState, trial: TrialState, step: number): FactKind[] {
  const key = "no-checkpoint";
  if (!isProgram(trial) || trial.checkpoints.newest !== undefined || state.told.has(key)) return [];
  const strategy = state.spec.strategy?.name ?? "its strategy";
  const message = `trial ${trial.number} paused at step ${step} and has saved no checkpoint: ${strategy} pauses trials and resumes some; a program without checkpoints then starts over at step 0, and the repeated work counts as wasted; save in REGULUS_CHECKPOINT_DIR and print {"checkpoint": ${step}}`;
  const value = { trial: undefined, source: findingSource, severity: "warning", key, message };
  return [{ $case: "findingReported", value }];
}

/** Whether a program works on it whose objective the log has. */
function isMeasured(trial: TrialState): boolean {
  return isProgram(trial) && !Number.isNaN(trial.bestValue);
}

function isProgram({ work }: TrialState): boolean {
  return work.procedure === "command";
}

/** The end of an attempt, with the newest measurement that there is. */
function finishedAt({ last, artifacts }: TrialState, end?: Finished): Finished {
  const none = { reason: EndReason.END_REASON_DONE, message: "", step: 0, artifacts: [...artifacts], startedMs: 0 };
  return { ...none, ...end, final: end?.final ?? last };
}
