/**
 * A search's progress, folded from its facts: steps, samples of them, the best value and what each slot is doing. A fold:
 * the same facts give the same view, so it is tested without a terminal. It keeps trials only while they are not over.
 */
import {
  type EndReason,
  endedWell,
  type Fact,
  isTrialFailure,
  Leader,
  type Measurement,
  newCourse,
  noValue,
  type Ranked,
  type SearchSpec,
  sumOfSteps,
  tellCourse,
  valueAfter,
  type Work,
} from "@regulus/proto";
import type { LiveTrial, Progress } from "./progress-state.js";
import { sample } from "./rate.js";

/** The fold. */
export const progress = { init, tell };

function init(): Progress {
  return {
    searchId: "",
    course: undefined,
    configurations: undefined,
    position: 0,
    newestMs: 0,
    startedMs: 0,
    begun: false,
    waits: "",
    steps: 0,
    trialsProposed: 0,
    trialsDone: 0,
    trialsStopped: 0,
    trialsFailed: 0,
    leader: undefined,
    live: new Map(),
    failedSteps: new Map(),
    cutOff: new Set(),
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
  if (state.course !== undefined) tellCourse(state.course, fact);
  const kind = fact.kind;
  switch (kind?.$case) {
    case "searchCreated":
      created(state, kind.value.spec, fact.timeMs);
      state.configurations = kind.value.configurations;
      return;
    case "searchResumed":
    case "searchReopened":
      state.begun = true;
      state.waits = "";
      state.samples = [];
      return;
    case "searchTakenUp":
    case "searchExtended":
      state.samples = [];
      return;
    case "searchEnded":
      state.live.clear();
      state.rows.length = 0;
      return;
    case "strategyFailed":
      state.waits = kind.value.message;
      return;
    case "trialProposed":
      state.trialsProposed++;
      begins(state, kind.value, 0);
      return;
    case "trialRetried":
      if (state.cutOff.delete(kind.value.trial)) state.trialsStopped--;
      else state.trialsFailed--;
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
      state.waits = kind.value.reason;
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
      else if (kind.value.reason === "END_REASON_STOPPED_EARLY" && state.course?.endsAs === "failed") {
        state.failedSteps.set(kind.value.trial, state.live.get(kind.value.trial)?.step ?? 0);
        state.cutOff.add(kind.value.trial);
      }
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

function created(state: Progress, spec: SearchSpec | undefined, timeMs: number): void {
  if (spec === undefined) return;
  state.course = newCourse(spec, timeMs);
  state.leader = spec.objectives[0] && new Leader(spec.objectives[0]);
}

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

interface Started {
  readonly trial: number;
  readonly attempt: number;
  readonly agentId: string;
  readonly fromStep: number;
}

function attemptStarted(state: Progress, timeMs: number, started: Started): void {
  state.begun = true;
  if (state.startedMs === 0) state.startedMs = timeMs;
  state.waits = "";
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
    state.steps = sumOfSteps(state.steps, Math.max(0, measurement.step - trial.step));
    trial.step = Math.max(trial.step, measurement.step);
    trial.last = measurement;
  }
  const isAgain = measurement.step === trial?.measuredStep;
  const objective = state.course?.spec.objectives[0];
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
