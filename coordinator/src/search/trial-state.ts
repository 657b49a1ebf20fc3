/**
 * A trial that is not over, folded from its facts. Ended trials are kept in the archive instead.
 */
import {
  type ArtifactRef,
  assert,
  type CountedValue,
  EndReason,
  endedWell,
  type Fact,
  isBetter,
  type Measurement,
  metricOf,
  noValue,
  type Objective,
  type Trial,
  valueAfter,
  type Work,
} from "@regulus/proto";
import {
  endedCheckpoints,
  noCheckpoints,
  type TrialCheckpoints,
  withAttempt,
  withEnd,
  withMeasured,
  withNewLife,
  withoutDamaged,
  withSaved,
} from "./checkpoints.js";
import { noTime, type TrialTime } from "./cost.js";

/** What the coordinator knows of a trial that is not over. Times are in milliseconds since 1970. */
export interface TrialState {
  readonly number: number;
  status: "pending" | "running" | "paused";
  work: Work;
  /** Position of the fact that gave it this work. */
  workPosition: number;
  /** Newest attempt, from 1; 0 while there was none. */
  attempt: number;
  /** Agent of the newest attempt; empty while there was none. */
  agentId: string;
  /** Attempts that failed through no fault of the trial. */
  failures: number;
  /** No attempt starts before this time. */
  retryAtMs: number;
  /** Agent on which the newest attempt at the present work failed; empty for none. A retry looks for another one first. */
  failedAgentId: string;
  /** Agent that is blamed for a user error of the present work: its next attempt goes elsewhere, and judges. Empty for none. */
  blamedAgentId: string;
  /** Most steps that were ever done. */
  step: number;
  /** Newest step measured in the current attempt, and newest step saved in it; -1 for none. */
  measuredStep: number;
  savedStep: number;
  last: Measurement | undefined;
  /** The measurement with the best first objective. */
  best: Measurement | undefined;
  /** First objective of `best`; NaN while there is none. */
  bestValue: number;
  /** `best` and its value before the newest step was measured: what stays where that step is measured again. */
  earlier: { readonly best: Measurement | undefined; readonly value: number; readonly attempt: number };
  /** The attempts that observed `best` and `last`. */
  bestAttempt: number;
  lastAttempt: number;
  /** The value of the first objective that counts: none where it ended as failed or diverged. */
  counted: CountedValue;
  checkpoints: TrialCheckpoints;
  /** Newest attempt that met a damaged checkpoint: its end is not the trial's failure. 0 for none. */
  unrestoredAttempt: number;
  artifacts: readonly ArtifactRef[];
  /** Those of them that it left when it paused: the next ones of their kinds replace them. */
  leftAtPause: readonly ArtifactRef[];
  proposedMs: number;
  /** When it last became ready to run: proposed or resumed. */
  readyMs: number;
  startedMs: number;
  /** When the newest attempt began. */
  attemptStartedMs: number;
  /** What it cost so far. */
  readonly time: TrialTime;
  /** Why it is to end early; undefined where it is not. */
  stopReason: string | undefined;
  /** Why it is to pause before it reached its step; undefined where it is not. */
  pauseReason: string | undefined;
  /** Why it can't be placed, as the log has it; empty for no reason. */
  deferred: string;
  /** What the current attempt found, to tell repeated reports. */
  findings: Set<string>;
  /** How it ended; absent while it is not over, which is always so in a search's state. */
  end?: { readonly reason: EndReason; readonly message: string; readonly atMs: number };
}

/** The trial that a proposal starts. */
export function proposedTrial(fact: Fact): TrialState {
  assert(fact.kind?.$case === "trialProposed" && fact.kind.value.work, "a trial begins with its proposal");
  return newTrial(fact.kind.value.trial, fact.kind.value.work, fact);
}

/** A trial that had failed or was cut off, as it was then, to be told of its next life. Such a trial has no value before it measures again. */
export function endedTrial(view: Trial, more: { readonly step: number; readonly time: TrialTime }, fact: Fact): TrialState {
  assert(view.work, "a trial has work");
  return {
    ...newTrial(view.trial, view.work, fact),
    attempt: view.attempts,
    agentId: view.agentId,
    step: more.step,
    last: view.last,
    lastAttempt: view.last?.attempt ?? 0,
    checkpoints: endedCheckpoints(view),
    artifacts: view.artifacts,
    proposedMs: view.proposedMs,
    startedMs: view.startedMs,
    time: more.time,
  };
}

function newTrial(number: number, work: Work, fact: Fact): TrialState {
  return {
    number,
    status: "pending",
    work,
    workPosition: fact.position,
    attempt: 0,
    agentId: "",
    failures: 0,
    retryAtMs: 0,
    failedAgentId: "",
    blamedAgentId: "",
    step: 0,
    measuredStep: -1,
    savedStep: -1,
    last: undefined,
    best: undefined,
    bestValue: Number.NaN,
    earlier: { best: undefined, value: Number.NaN, attempt: 0 },
    bestAttempt: 0,
    lastAttempt: 0,
    counted: noValue,
    checkpoints: noCheckpoints(),
    unrestoredAttempt: 0,
    artifacts: [],
    leftAtPause: [],
    proposedMs: fact.timeMs,
    readyMs: fact.timeMs,
    startedMs: 0,
    attemptStartedMs: 0,
    time: noTime(),
    stopReason: undefined,
    pauseReason: undefined,
    deferred: "",
    findings: new Set(),
  };
}

/** Tells a trial of a later fact about it. Changes it in place. */
export function tellTrial(trial: TrialState, fact: Fact, objective: Objective): void {
  const kind = fact.kind;
  switch (kind?.$case) {
    case "trialResumed":
      assert(kind.value.work, "a resumed trial has work");
      trial.status = "pending";
      trial.work = kind.value.work;
      trial.workPosition = fact.position;
      trial.readyMs = fact.timeMs;
      trial.retryAtMs = 0;
      // Another attempt came to the end of the work before: it was not the trial, and an agent is not avoided for ever.
      trial.failedAgentId = "";
      trial.blamedAgentId = "";
      trial.pauseReason = undefined;
      trial.deferred = "";
      return;
    case "trialRetried":
      assert(kind.value.work, "a trial that is retried has work");
      trial.status = "pending";
      trial.work = kind.value.work;
      trial.workPosition = fact.position;
      trial.readyMs = fact.timeMs;
      trial.retryAtMs = 0;
      trial.failures = 0;
      trial.failedAgentId = "";
      trial.blamedAgentId = "";
      trial.checkpoints = withNewLife(trial.checkpoints);
      trial.stopReason = undefined;
      trial.pauseReason = undefined;
      trial.deferred = "";
      delete trial.end;
      return;
    case "trialStopRequested":
      trial.stopReason = kind.value.reason;
      return;
    case "trialPauseRequested":
      trial.pauseReason = kind.value.reason;
      return;
    case "trialDeferred":
      trial.deferred = kind.value.reason;
      return;
    case "attemptStarted":
      trial.status = "running";
      trial.attempt = kind.value.attempt;
      trial.agentId = kind.value.agentId;
      if (trial.startedMs === 0) trial.startedMs = fact.timeMs;
      trial.attemptStartedMs = fact.timeMs;
      trial.measuredStep = -1;
      trial.savedStep = -1;
      trial.deferred = "";
      trial.findings.clear();
      trial.checkpoints = withAttempt(trial.checkpoints, kind.value.fromStep);
      return;
    case "trialMeasured":
      measure(trial, kind.value.measurement, objective);
      return;
    case "trialCheckpointed":
      trial.savedStep = kind.value.step;
      trial.step = Math.max(trial.step, kind.value.step);
      if (kind.value.checkpoint) {
        const saved = { ref: kind.value.checkpoint, step: kind.value.step, position: fact.position };
        trial.checkpoints = withSaved(trial.checkpoints, saved, objective);
      }
      return;
    case "checkpointDamaged":
      trial.unrestoredAttempt = kind.value.attempt;
      trial.checkpoints = withoutDamaged(trial.checkpoints, kind.value.checkpoint?.sha256 ?? "");
      return;
    case "attemptEnded":
      trial.status = "pending";
      trial.retryAtMs = kind.value.retryAtMs;
      if (kind.value.reason !== EndReason.END_REASON_PREEMPTED) {
        trial.failures += 1;
        trial.failedAgentId = trial.agentId;
        if (kind.value.reason === EndReason.END_REASON_USER_ERROR) trial.blamedAgentId = trial.agentId;
      }
      return;
    case "trialPaused":
      trial.status = "paused";
      trial.pauseReason = undefined;
      trial.step = Math.max(trial.step, kind.value.step);
      trial.leftAtPause = [...leave(trial, kind.value.artifacts), ...kind.value.artifacts];
      return;
    case "trialEnded":
      measure(trial, kind.value.final, objective);
      trial.checkpoints = withEnd(trial.checkpoints);
      // Those of an earlier life stay.
      trial.leftAtPause = leave(trial, kind.value.artifacts);
      trial.end = { reason: kind.value.reason, message: kind.value.message, atMs: fact.timeMs };
      if (!endedWell(kind.value.reason)) {
        trial.best = undefined;
        trial.bestValue = Number.NaN;
        trial.counted = noValue;
      }
      return;
    case "findingReported":
      // Those of diagnostics have a key, and don't count among what the attempt's own procedure found.
      if (kind.value.key === undefined) trial.findings.add(findingKey(kind.value));
      return;
    default:
      return;
  }
}

/** Adds what a trial leaves now, in place of what it left of the same kinds when it paused. Answers what it left then and keeps. */
function leave(trial: TrialState, artifacts: readonly ArtifactRef[]): readonly ArtifactRef[] {
  if (artifacts.length === 0) return trial.leftAtPause;
  const kept = trial.leftAtPause.filter(({ kind }) => artifacts.every((one) => one.kind !== kind));
  const replaced = trial.leftAtPause.filter((one) => !kept.includes(one));
  trial.artifacts = [...trial.artifacts.filter((one) => !replaced.includes(one)), ...artifacts];
  return kept;
}

/** What tells two findings of an attempt apart. */
export function findingKey(finding: { readonly source: string; readonly severity: string; readonly message: string }): string {
  return `${finding.severity} ${finding.source}: ${finding.message}`;
}

function measure(trial: TrialState, measurement: Measurement | undefined, objective: Objective): void {
  if (measurement === undefined) return;
  // The step is measured again, with more: what it counted for before counts no more.
  const isAgain = measurement.step === trial.measuredStep;
  if (isAgain) {
    trial.best = trial.earlier.best;
    trial.bestValue = trial.earlier.value;
    trial.bestAttempt = trial.earlier.attempt;
  } else trial.earlier = { best: trial.best, value: trial.bestValue, attempt: trial.bestAttempt };
  trial.measuredStep = measurement.step;
  trial.step = Math.max(trial.step, measurement.step);
  trial.last = measurement;
  trial.checkpoints = withMeasured(trial.checkpoints, measurement, objective);
  trial.lastAttempt = trial.attempt;
  const measured = metricOf(measurement.metrics, objective.metric);
  if (measured !== undefined && Number.isFinite(measured) && isBetter(measured, trial.bestValue, objective)) {
    trial.best = measurement;
    trial.bestAttempt = trial.attempt;
    trial.bestValue = measured;
  }
  trial.counted = valueAfter(trial.counted, measurement, { objective, isAgain });
}
