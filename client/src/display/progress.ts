/**
 * How far a search is, folded from its facts: steps, samples of them, the best value and what each slot is doing. A fold (design,
 * section 2): the same facts give the same view, so it is tested without a terminal. It keeps trials only while they are not over.
 */
import {
  type CountedValue,
  type EndReason,
  endedWell,
  type Fact,
  isTrialFailure,
  Leader,
  type Measurement,
  noValue,
  type Ranked,
  type SearchSpec,
  valueAfter,
  type Work,
} from "@regulus/proto";

import { ranMs } from "./done-share.js";
import { type Sample, sample } from "./rate.js";

/** A trial that is not over. */
export interface LiveTrial {
  readonly trial: number;
  procedure: string;
  untilStep: number;
  step: number;
  /** Agent of the running attempt; empty while none runs. */
  agentId: string;
  /** Line of the display, kept while the attempt runs so that lines don't jump; -1 while none runs. */
  row: number;
  attempt: number;
  last: Measurement | undefined;
  /** Newest step measured in the current attempt; -1 for none. */
  measuredStep: number;
  /** Its value that counts. */
  counted: CountedValue;
  /** When its attempt began or it measured last. */
  heardMs: number;
  /** It paused, and goes on from there, whether it was saved there or waits in its process. */
  goesOn: boolean;
}

/** State of the fold. */
export interface Progress {
  searchId: string;
  spec: SearchSpec | undefined;
  position: number;
  createdMs: number;
  newestMs: number;
  /** Wall time in which it ran, without the stretch that goes on, and when that began; undefined while it is paused or over. */
  ranMs: number;
  runningSinceMs: number | undefined;
  startedMs: number;
  status: "waiting" | "running" | "paused" | "stopping" | "completed" | "stopped" | "failed";
  /** Why it waits, is paused or ended, in words. */
  reason: string;
  steps: number;
  trialsProposed: number;
  trialsDone: number;
  trialsStopped: number;
  trialsFailed: number;
  /** The best trial by the value that counts; undefined before the search is known. */
  leader: Leader | undefined;
  live: Map<number, LiveTrial>;
  /** Steps of trials that failed: they may be tried again. */
  failedSteps: Map<number, number>;
  /** Which lines of the display are taken. */
  rows: boolean[];
  samples: Sample[];
  /** Seconds that attempts have worked, and steps that they did in them. */
  slotSeconds: number;
  slotSteps: number;
}

/** The fold. */
export const progress = { init, tell };

function init(): Progress {
  return {
    searchId: "",
    spec: undefined,
    position: 0,
    createdMs: 0,
    newestMs: 0,
    ranMs: 0,
    runningSinceMs: undefined,
    startedMs: 0,
    status: "waiting",
    reason: "",
    steps: 0,
    trialsProposed: 0,
    trialsDone: 0,
    trialsStopped: 0,
    trialsFailed: 0,
    leader: undefined,
    live: new Map(),
    failedSteps: new Map(),
    rows: [],
    samples: [],
    slotSeconds: 0,
    slotSteps: 0,
  };
}

/** A fact that was told before (a stream that resumed too early) changes nothing. */
function tell(state: Progress, fact: Fact): Progress {
  if (fact.position <= state.position) return state;
  state.position = fact.position;
  state.searchId = fact.searchId;
  state.newestMs = Math.max(state.newestMs, fact.timeMs);
  apply(state, fact);
  sample(state);
  return state;
}

function apply(state: Progress, fact: Fact): void {
  const kind = fact.kind;
  switch (kind?.$case) {
    case "searchCreated":
      state.spec = kind.value.spec;
      state.createdMs = fact.timeMs;
      state.leader = state.spec?.objectives[0] && new Leader(state.spec.objectives[0]);
      state.runningSinceMs = fact.timeMs;
      return;
    case "searchPaused":
      state.status = "paused";
      state.reason = kind.value.reason;
      halt(state, fact.timeMs);
      return;
    case "searchResumed":
    case "searchReopened":
      state.status = "running";
      state.reason = "";
      state.runningSinceMs ??= fact.timeMs;
      state.samples = [];
      return;
    case "searchTakenUp":
      if (state.runningSinceMs === undefined) return;
      halt(state, Math.min(kind.value.awaySinceMs, fact.timeMs));
      state.runningSinceMs = fact.timeMs;
      state.samples = [];
      return;
    case "searchExtended":
      if (state.spec !== undefined) state.spec = { ...state.spec, budget: kind.value.budget };
      state.samples = [];
      return;
    case "searchStopRequested":
      state.status = "stopping";
      state.reason = kind.value.reason;
      return;
    case "searchEnded":
      state.status = outcomes[kind.value.outcome] ?? "completed";
      state.reason = kind.value.reason;
      halt(state, fact.timeMs);
      state.live.clear();
      state.rows.length = 0;
      return;
    case "strategyFailed":
      state.reason = kind.value.message;
      return;
    case "trialProposed":
      state.trialsProposed++;
      begins(state, kind.value, 0);
      return;
    case "trialRetried":
      state.trialsFailed--;
      begins(state, kind.value, state.failedSteps.get(kind.value.trial) ?? 0);
      state.failedSteps.delete(kind.value.trial);
      return;
    case "trialResumed": {
      const trial = state.live.get(kind.value.trial);
      if (trial !== undefined && kind.value.work !== undefined) {
        trial.untilStep = kind.value.work.untilStep;
        trial.goesOn = kind.value.work.fromTrial === undefined;
      }
      return;
    }
    case "trialDeferred":
      state.reason = kind.value.reason;
      return;
    case "attemptStarted":
      attemptStarted(state, fact.timeMs, kind.value);
      return;
    case "trialMeasured":
      if (kind.value.measurement !== undefined) measured(state, kind.value.trial, kind.value.measurement, fact.timeMs);
      return;
    case "attemptEnded":
    case "trialPaused":
      idle(state, state.live.get(kind.value.trial));
      return;
    case "trialEnded":
      if (kind.value.final !== undefined) measured(state, kind.value.trial, kind.value.final, fact.timeMs);
      if (isTrialFailure(kind.value.reason)) state.failedSteps.set(kind.value.trial, state.live.get(kind.value.trial)?.step ?? 0);
      idle(state, state.live.get(kind.value.trial));
      ended(state, kind.value.trial, kind.value.reason);
      if (kind.value.reason === "END_REASON_DONE") state.trialsDone++;
      else if (kind.value.reason === "END_REASON_STOPPED_EARLY") state.trialsStopped++;
      else state.trialsFailed++;
      return;
    default:
      return; // Checkpoints, findings, stop requests and facts of later versions move nothing here.
  }
}

const outcomes: Readonly<Record<string, Progress["status"]>> = {
  SEARCH_OUTCOME_COMPLETED: "completed",
  SEARCH_OUTCOME_STOPPED: "stopped",
  SEARCH_OUTCOME_FAILED: "failed",
};

function begins(state: Progress, { trial, work }: { trial: number; work?: Work | undefined }, step: number): void {
  const { procedure = "", untilStep = 0 } = work ?? {};
  const fresh = {
    agentId: "",
    row: -1,
    attempt: 0,
    last: undefined,
    measuredStep: -1,
    counted: noValue,
    heardMs: 0,
    goesOn: false,
  };
  state.live.set(trial, { trial, procedure, untilStep, step, ...fresh });
}

function halt(state: Progress, timeMs: number): void {
  state.ranMs = ranMs(state, timeMs);
  state.runningSinceMs = undefined;
}

interface Started {
  readonly trial: number;
  readonly attempt: number;
  readonly agentId: string;
  readonly fromStep: number;
}

function attemptStarted(state: Progress, timeMs: number, started: Started): void {
  if (state.status === "waiting") state.status = "running";
  if (state.startedMs === 0) state.startedMs = timeMs;
  state.reason = "";
  const trial = state.live.get(started.trial);
  if (trial === undefined) return;
  idle(state, trial);
  const free = state.rows.indexOf(false);
  trial.row = free >= 0 ? free : state.rows.length;
  state.rows[trial.row] = true;
  trial.agentId = started.agentId;
  trial.attempt = started.attempt;
  trial.measuredStep = -1;
  trial.heardMs = timeMs;
  // Steps since the last checkpoint are lost and will be done again, but for a trial that paused, which may have had no need of one; a jump upwards
  // (another trial's checkpoint) is not work.
  const fromStep = trial.goesOn ? Math.max(trial.step, started.fromStep) : started.fromStep;
  trial.goesOn = false;
  state.steps -= Math.max(0, trial.step - fromStep);
  trial.step = fromStep;
}

function measured(state: Progress, number: number, measurement: Measurement, timeMs: number): void {
  const trial = state.live.get(number);
  if (trial !== undefined) {
    if (measurement.step > trial.step && trial.heardMs > 0) {
      state.slotSeconds += Math.max(0, timeMs - trial.heardMs) / 1000;
      state.slotSteps += measurement.step - trial.step;
      trial.heardMs = timeMs;
    }
    state.steps += Math.max(0, measurement.step - trial.step);
    trial.step = Math.max(trial.step, measurement.step);
    trial.last = measurement;
  }
  const isAgain = measurement.step === trial?.measuredStep;
  const objective = state.spec?.objectives[0];
  if (objective === undefined || trial === undefined) return;
  trial.measuredStep = measurement.step;
  trial.counted = valueAfter(trial.counted, measurement, { objective, isAgain });
  state.leader?.measured(number, trial.counted.value, () => liveValues(state));
}

function* liveValues({ live }: Progress): Generator<Ranked> {
  for (const { trial, counted } of live.values()) yield { trial, value: counted.value };
}

/** A trial that failed leaves no value behind. */
function ended(state: Progress, number: number, reason: EndReason): void {
  const value = endedWell(reason) ? (state.live.get(number)?.counted.value ?? Number.NaN) : Number.NaN;
  state.live.delete(number);
  state.leader?.ended(number, value, () => liveValues(state));
}

function idle(state: Progress, trial: LiveTrial | undefined): void {
  if (trial === undefined) return;
  if (trial.row >= 0) state.rows[trial.row] = false;
  trial.agentId = "";
  trial.row = -1;
}
