/**
 * Decides what an agent's report makes of a trial. Repeated reports make nothing; those of an attempt that is not current are refused.
 */
import {
  counted,
  defaults,
  EndReason,
  type Finished,
  limits,
  type Measurement,
  metricOf,
  type Report,
  retriedByDefault,
} from "@regulus/proto";
import { checkpointDamaged } from "./checkpoint-damaged.js";
import { keptRefs } from "./checkpoints.js";
import type { FactKind } from "./commands.js";
import { trialEnded, trialPaused } from "./endings.js";
import { unmeasuredObjective } from "./first-measurement.js";
import { doneBefore, savesLater, unsavedPause } from "./nothing-left.js";
import type { SearchState } from "./search-state.js";
import { findingKey, type TrialState } from "./trial-state.js";

/** Findings of one attempt that are kept; further ones are dropped, since a trial that finds so much says nothing. */
const findingsMax = 100;

/** What came of a report. */
export interface ReportAnswer {
  readonly facts: readonly FactKind[];
  /** Whether it came from an attempt that holds no lease. */
  readonly refused: boolean;
}

const nothing: ReportAnswer = { facts: [], refused: false };
const refused: ReportAnswer = { facts: [], refused: true };

/** What the coordinator knows besides the search. */
export interface ReportContext {
  readonly nowMs: number;
  /** Whether another agent is there that could run the trial. */
  readonly elsewhere: boolean;
}

/** The facts that a report of an agent makes. */
export function decideReport(state: SearchState, agentId: string, report: Report, context: ReportContext): ReportAnswer {
  const trial = state.live.get(report.lease?.trial ?? -1);
  if (trial?.status !== "running" || trial.attempt !== report.lease?.attempt || trial.agentId !== agentId) return refused;
  const event = report.event;
  switch (event?.$case) {
    case "measured":
      return { facts: [...measured(state, trial, event.value), ...proof(state, trial, context)], refused: false };
    case "checkpointed": {
      const { step, checkpoint } = event.value;
      if (checkpoint === undefined || step < trial.savedStep) return nothing;
      // A step may be saved again with other contents, as a program's last word; what is kept already is a repeated report.
      const isKept = keptRefs(trial.checkpoints).some(({ sha256 }) => sha256 === checkpoint.sha256);
      if (step === trial.savedStep && isKept) return nothing;
      const value = { trial: trial.number, attempt: trial.attempt, step, checkpoint };
      return { facts: [{ $case: "trialCheckpointed", value }], refused: false };
    }
    case "finished":
      return { facts: finished(state, trial, event.value, context), refused: false };
    case "found": {
      if (trial.findings.size >= findingsMax || trial.findings.has(findingKey(event.value))) return nothing;
      return { facts: [{ $case: "findingReported", value: { ...event.value, trial: trial.number } }], refused: false };
    }
    case "unrestorable":
      return { facts: checkpointDamaged(trial, event.value), refused: false };
    case undefined:
      return nothing;
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** An attempt that failed: another one follows where its reason is one for which the search tries again, the trial pauses where that was asked for, or it ends. */
export function attemptFailed(
  state: SearchState,
  trial: TrialState,
  failure: { readonly reason: EndReason; readonly message: string; readonly nowMs: number; readonly finished?: Finished },
): FactKind[] {
  if (isStopping(state, trial)) {
    const message = `${stopWords(state, trial)}; its attempt ended otherwise: ${failure.message}`;
    return [trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, message, failure.finished)];
  }
  const max = isRetried(state, failure.reason) ? (state.spec.retries?.max ?? defaults.retriesMax) : 0;
  const over = doneBefore(state, trial, failure);
  // Another attempt, where there may be one, brings the checkpoint that this one was about to save.
  if (over !== undefined && (trial.failures >= max || !savesLater(state, trial))) return over;
  if (trial.failures >= max) {
    const message = max === 0 ? failure.message : `after ${counted(max, "retry", "retries")}: ${failure.message}`;
    return [trialEnded(trial, failure.reason, message, failure.finished)];
  }
  const firstMs = state.spec.retries?.backoffMs || defaults.retryBackoffMs;
  const retryAtMs = failure.nowMs + Math.min(defaults.retryBackoffMsMax, firstMs * 2 ** trial.failures);
  const ended = attemptEnded(trial, failure.reason, failure.message, retryAtMs);
  return trial.pauseReason === undefined ? [ended] : [ended, trialPaused(trial, trial.step)];
}

/** A trial whose user error was blamed on an agent works on another one: the blamed one is avoided. */
function proof(state: SearchState, trial: TrialState, { nowMs }: Pick<ReportContext, "nowMs">): FactKind[] {
  const proven = state.agentRecords.provenWrong(trial, nowMs);
  if (proven === undefined) return [];
  const { blamedAgentId: agentId, agentId: other, number } = trial;
  const failed = `${counted(proven.failures, "trial")} in a row ended there as user errors`;
  const message = `${failed}, and trial ${number}, which was one of them, works on agent ${other}`;
  return [{ $case: "agentAvoided", value: { agentId, untilMs: proven.untilMs, message } }];
}

/** Whether a user error may be the agent's: it is tried once more, on another one, before it counts. */
function isDoubted(state: SearchState, trial: TrialState, { elsewhere }: ReportContext): boolean {
  if (!elsewhere || isStopping(state, trial) || trial.pauseReason !== undefined || state.spec.retries?.max === 0) return false;
  return trial.blamedAgentId === "" && state.agentRecords.mayBlame(trial.agentId);
}

/** Whether another attempt follows one that ended for this reason. */
function isRetried({ spec }: SearchState, reason: EndReason): boolean {
  const on = spec.retries?.on ?? [];
  return (on.length === 0 ? retriedByDefault : on).includes(reason);
}

/** A later measurement of the newest step adds to it; one of an earlier step is known. */
function measured(state: SearchState, trial: TrialState, report: Measurement): FactKind[] {
  const measurement = news(trial, report);
  if (measurement === undefined) return [];
  const fact = trialMeasured(trial, measurement);
  const lacking = unmeasuredObjective(state, trial, measurement);
  const { stepsPerTrial } = state.budget;
  const overdue = stepsPerTrial > 0 && trial.work.untilStep === 0 && measurement.step >= stepsPerTrial;
  if (!overdue || trial.stopReason !== undefined) return [fact, ...lacking];
  const reason = `the budget of ${counted(stepsPerTrial, "step")} a trial is spent`;
  return [fact, ...lacking, { $case: "trialStopRequested", value: { trial: trial.number, reason } }];
}

function finished(state: SearchState, trial: TrialState, end: Finished, context: ReportContext): FactKind[] {
  const { nowMs } = context;
  switch (end.reason) {
    case EndReason.END_REASON_DONE:
      return done(state, trial, end, context);
    case EndReason.END_REASON_STOPPED_EARLY:
      return [trialEnded(trial, end.reason, end.message || stopWords(state, trial), end)];
    case EndReason.END_REASON_PREEMPTED:
      if (isStopping(state, trial)) return [trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, stopWords(state, trial), end)];
      if (trial.pauseReason !== undefined) return [...unseen(trial, end), ...pauses(state, trial, end)];
      return [...unseen(trial, end), attemptEnded(trial, end.reason, end.message, 0)];
    case EndReason.END_REASON_LOST:
    case EndReason.END_REASON_OUT_OF_MEMORY:
    case EndReason.END_REASON_TIMED_OUT:
    case EndReason.END_REASON_USER_ERROR: {
      // It could not begin, through no fault of the trial or the agent: it is tried again from the checkpoint before.
      if (trial.unrestoredAttempt === trial.attempt) {
        return finished(state, trial, { ...end, reason: EndReason.END_REASON_PREEMPTED }, context);
      }
      if (end.reason === EndReason.END_REASON_USER_ERROR && isDoubted(state, trial, context))
        return [...unseen(trial, end), attemptEnded(trial, end.reason, end.message, nowMs)];
      // A program that fails while it is to stop has still failed by itself.
      if (end.reason === EndReason.END_REASON_USER_ERROR && (isStopping(state, trial) || !isRetried(state, end.reason)))
        return [trialEnded(trial, end.reason, end.message, end)];
      const facts = attemptFailed(state, trial, { reason: end.reason, message: end.message, nowMs, finished: end });
      return facts.some(({ $case }) => $case === "trialEnded") ? facts : [...unseen(trial, end), ...facts];
    }
    case EndReason.END_REASON_DIVERGED:
    case EndReason.END_REASON_INFEASIBLE:
      return [trialEnded(trial, end.reason, end.message, end)];
    default:
      return [trialEnded(trial, EndReason.END_REASON_USER_ERROR, `the agent gave no reason for the end: ${end.message}`, end)];
  }
}

function done(state: SearchState, trial: TrialState, end: Finished, context: ReportContext): FactKind[] {
  if (!trial.work.final) {
    if (isStopping(state, trial)) return [trialEnded(trial, EndReason.END_REASON_STOPPED_EARLY, stopWords(state, trial), end)];
    return [...unseen(trial, end), ...pauses(state, trial, end), ...proof(state, trial, context)];
  }
  const { metric } = state.objective;
  const value = end.final === undefined ? undefined : metricOf(end.final.metrics, metric);
  // Our agents say that by themselves; it is no result, whoever reports it.
  if (value !== undefined && !Number.isFinite(value))
    return [trialEnded(trial, EndReason.END_REASON_DIVERGED, `its final ${metric} is ${value}`, end)];
  const wrong = finalProblem(state, trial, end.final);
  // An attempt that had nothing left to do measured nothing: the log has the measurement.
  return wrong === undefined
    ? [trialEnded(trial, end.reason, end.message, { ...end, final: end.final ?? trial.last }), ...proof(state, trial, context)]
    : [trialEnded(trial, EndReason.END_REASON_USER_ERROR, wrong, end)];
}

/** The pause of a trial at a step, with what is to be told about it. */
function pauses(state: SearchState, trial: TrialState, { step, artifacts }: Finished): FactKind[] {
  return [trialPaused(trial, step, artifacts), ...unsavedPause(state, trial, step)];
}

/** Why a final measurement can't be one; undefined where it can. */
function finalProblem(state: SearchState, trial: TrialState, final: Measurement | undefined): string | undefined {
  const wanted = state.objective.metric;
  // Not every measurement has the objective, and neither need the last one.
  if (!Number.isNaN(trial.bestValue)) return undefined;
  if (final === undefined) return `ended as done, but nothing was measured; a measurement with the metric ${wanted} was expected`;
  if (Object.hasOwn(final.metrics, wanted)) return undefined;
  const names = Object.keys(final.metrics).slice(0, 8).join(", ") || "none";
  return `the final measurement has no metric ${wanted}, which is the search's objective; it has: ${names}`;
}

/** The newest measurement of an attempt that is over, where its trial is not and it was not measured before. */
function unseen(trial: TrialState, end: Finished): FactKind[] {
  const measurement = end.final && news(trial, end.final);
  return measurement === undefined ? [] : [trialMeasured(trial, measurement)];
}

/** What a report says that the log does not have, joined with what the log has of that step; undefined for nothing. */
function news(trial: TrialState, report: Measurement): Measurement | undefined {
  if (report.step > trial.measuredStep) return report;
  if (report.step < trial.measuredStep || trial.last === undefined) return undefined;
  const { metrics } = trial.last;
  const isKnown = Object.entries(report.metrics).every(([name, value]) => Object.is(metrics[name], value));
  return isKnown ? undefined : { ...trial.last, ...report, metrics: { ...metrics, ...report.metrics } };
}

function trialMeasured(trial: TrialState, measurement: Measurement): FactKind {
  return { $case: "trialMeasured", value: { trial: trial.number, attempt: trial.attempt, measurement } };
}

function attemptEnded(trial: TrialState, reason: EndReason, message: string, retryAtMs: number): FactKind {
  const text = message.slice(0, limits.textCharactersMax);
  return { $case: "attemptEnded", value: { trial: trial.number, attempt: trial.attempt, reason, message: text, retryAtMs } };
}

function isStopping(state: SearchState, trial: TrialState): boolean {
  return state.status === "stopping" || trial.stopReason !== undefined;
}

function stopWords(state: SearchState, trial: TrialState): string {
  if (trial.stopReason !== undefined) return trial.stopReason;
  return state.status === "stopping" ? `the search ends: ${state.reason}` : "its procedure stopped early";
}
