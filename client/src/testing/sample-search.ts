/**
 * Plausible searches from a seed: facts as a coordinator would send them, and the exports that belong to them. For tests and for
 * looking at a report or a display without a cluster; the numbers describe no real training.
 */

import type { ExportSearchResponse, Fact, Measurement, Parameter, Search, SearchSpec, Trial, Work } from "@regulus/proto";
import { type Course, courseOf } from "../report/course.js";

/** What a sample search looks like. */
export interface SampleOptions {
  readonly seed: number;
  readonly name?: string;
  /** One trial that learns its hyperparameters, or many with fixed ones. */
  readonly strategy: "self-tuning-network" | "random";
  readonly trials: number;
  readonly stepsPerTrial: number;
  /** Slots at work at the same time. */
  readonly slots?: number;
  readonly measurementsPerTrial?: number;
  /** Of every so many trials one diverges; 0 for none. */
  readonly divergesEvery?: number;
}

/** A sample search. */
export interface Sample {
  readonly facts: readonly Fact[];
  readonly search: Search;
  readonly trials: readonly ExportSearchResponse[];
  readonly course: Course;
}

const epochMs = Date.UTC(2026, 0, 5, 9, 30);
const stepMs = 6;

/** The same options give the same sample. */
export function sampleSearch(options: SampleOptions): Sample {
  const random = generator(options.seed);
  const spec = sampleSpec(options);
  const slots = options.slots ?? 2;
  const searchId = `sample-${options.strategy}-${options.seed}`;
  const slotFreeMs = Array.from({ length: slots }, () => epochMs + 400);
  const events: { timeMs: number; kind: Fact["kind"] }[] = [
    { timeMs: epochMs, kind: { $case: "searchCreated", value: { spec, idempotencyKey: "" } } },
  ];
  const trials: ExportSearchResponse[] = [];
  for (let number = 0; number < options.trials; number++) {
    const slot = slotFreeMs.indexOf(Math.min(...slotFreeMs));
    const startedMs = slotFreeMs[slot] ?? epochMs;
    const course = trialCourse({ options, spec, number, startedMs, agentId: `agent-${slot + 1}`, searchId, random });
    slotFreeMs[slot] = course.trial.endedMs;
    events.push(...course.events);
    trials.push({ trial: course.trial, measurements: course.measurements });
  }
  const endedMs = Math.max(...slotFreeMs) + 5;
  events.push({
    timeMs: endedMs,
    kind: { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "the budget of trials is spent" } },
  });
  const facts = events
    .map((event, order) => ({ ...event, order }))
    .sort((a, b) => a.timeMs - b.timeMs || a.order - b.order)
    .map(({ timeMs, kind }, index): Fact => ({ searchId, position: index + 1, timeMs, kind }));
  return { facts, search: sampleState({ searchId, spec, facts, trials, endedMs }), trials, course: courseOf(facts) };
}

/** The spec of a sample search, with its defaults filled in. */
export function sampleSpec(options: SampleOptions): SearchSpec {
  const range = (name: string, min: number, max: number, scale: "SCALE_LINEAR" | "SCALE_LOG"): Parameter => ({
    name,
    domain: { $case: "double", value: { min, max, scale } },
    initial: undefined,
    when: undefined,
  });
  return {
    name: options.name ?? `digits-${options.strategy}`,
    workload: { name: "mnist-mlp", module: "", options: { trainingImages: 5000 } },
    command: undefined,
    objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
    strategy: { name: options.strategy, options: {} },
    space: [
      range("inputDropout", 0, 0.8, "SCALE_LINEAR"),
      range("hiddenDropout", 0, 0.8, "SCALE_LINEAR"),
      range("weightDecay", 1e-6, 1e-2, "SCALE_LOG"),
      range("inputNoise", 1e-3, 1, "SCALE_LOG"),
      range("labelSmoothing", 0, 0.4, "SCALE_LINEAR"),
    ],
    techniques: ["dropout", "weight-decay", "input-noise", "label-smoothing"].map((name) => ({ name, options: {} })),
    probes: [],
    inputs: [],
    diagnostics: [],
    budget: { trials: options.trials, steps: 0, stepsPerTrial: options.stepsPerTrial, wallTimeMs: 0 },
    parallelism: options.slots ?? 2,
    resources: { slots: 1, backend: "", memoryBytes: 0, agentLabels: {}, stepTimeoutMs: 120_000, attemptTimeoutMs: 0 },
    retries: { max: 3, backoffMs: 1000, on: [] },
    seed: options.seed,
    labels: {},
    priority: 0,
    reporting: { measureEverySteps: 0, checkpointEveryMs: 30_000 },
  };
}

interface CourseRequest {
  readonly options: SampleOptions;
  readonly spec: SearchSpec;
  readonly number: number;
  readonly startedMs: number;
  readonly agentId: string;
  readonly searchId: string;
  readonly random: () => number;
}

interface TrialCourse {
  readonly trial: Trial;
  readonly measurements: Measurement[];
  readonly events: { timeMs: number; kind: Fact["kind"] }[];
}

function trialCourse(request: CourseRequest): TrialCourse {
  const { options, spec, number, startedMs, agentId, searchId, random } = request;
  const inside = options.strategy === "self-tuning-network";
  const start = Object.fromEntries(spec.space.map((parameter) => [parameter.name, draw(parameter, random())]));
  const work: Work = {
    procedure: inside ? "self-tune" : "fit",
    parameters: inside ? {} : start,
    untilStep: options.stepsPerTrial,
    final: true,
    options: {},
    fromTrial: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  const diverges = (options.divergesEvery ?? 0) > 0 && number % (options.divergesEvery ?? 1) === (options.divergesEvery ?? 1) - 1;
  const count = options.measurementsPerTrial ?? 40;
  const floor = (inside ? 0.115 : 0.17) + 0.1 * random();
  const measurements: Measurement[] = [];
  for (let index = 1; index <= (diverges ? Math.ceil(count / 3) : count); index++) {
    measurements.push(
      measurementAt({ step: Math.round((options.stepsPerTrial * index) / count), floor, start, inside, options, random }),
    );
  }
  const last = measurements.at(-1);
  const endedMs = startedMs + 300 + (last?.step ?? 0) * stepMs;
  const reason = diverges ? "END_REASON_DIVERGED" : "END_REASON_DONE";
  const best = measurements.reduce<Measurement | undefined>(
    (found, next) => ((next.metrics.validLoss ?? 0) < (found?.metrics.validLoss ?? Infinity) ? next : found),
    undefined,
  );
  const counted = diverges ? undefined : best;
  const message = diverges ? `trainLoss was NaN at step ${last?.step}, expected a finite number` : "";
  const trial: Trial = {
    searchId,
    trial: number,
    status: "TRIAL_STATUS_ENDED",
    reason,
    message,
    work,
    attempts: 1,
    last,
    best: counted,
    value: counted?.metrics.validLoss,
    valueStep: counted?.step,
    checkpoint: undefined,
    artifacts: [],
    agentId,
    proposedMs: startedMs - 20,
    startedMs,
    checkpointStep: 0,
    bestCheckpoint: undefined,
    bestCheckpointStep: 0,
    endedMs,
  };
  const events: TrialCourse["events"] = [
    { timeMs: startedMs - 20, kind: { $case: "trialProposed", value: { trial: number, work } } },
    { timeMs: startedMs, kind: { $case: "attemptStarted", value: { trial: number, attempt: 1, agentId, fromStep: 0 } } },
    ...measurements.map((measurement) => ({
      timeMs: startedMs + 200 + measurement.step * stepMs,
      kind: { $case: "trialMeasured" as const, value: { trial: number, attempt: 1, measurement } },
    })),
    {
      timeMs: endedMs,
      kind: {
        $case: "trialEnded",
        value: { trial: number, attempt: 1, reason, message, final: diverges ? undefined : last, artifacts: [], startedMs },
      },
    },
  ];
  return { trial, measurements, events };
}

interface MeasurementRequest {
  readonly step: number;
  readonly floor: number;
  readonly start: Readonly<Record<string, number>>;
  readonly inside: boolean;
  readonly options: SampleOptions;
  readonly random: () => number;
}

function measurementAt({ step, floor, start, inside, options, random }: MeasurementRequest): Measurement {
  const wobble = () => 1 + 0.03 * (random() - 0.5);
  const validLoss = (floor + 2.2 * Math.exp(-step / 350)) * wobble();
  const targets: Readonly<Record<string, number>> = {
    inputDropout: 0.32,
    hiddenDropout: 0.45,
    weightDecay: 2e-4,
    inputNoise: 0.2,
    labelSmoothing: 0.04,
  };
  const settled = 1 - Math.exp(-step / (0.3 * options.stepsPerTrial));
  const learned = Object.entries(start).map(([name, value]) => [
    name,
    (value + ((targets[name] ?? value) - value) * settled) * wobble(),
  ]);
  const scales = Object.keys(start).map((name) => [name, (0.5 - 0.35 * settled) * wobble()]);
  return {
    step,
    metrics: {
      trainLoss: 0.6 * validLoss,
      validLoss,
      validError: 0.3 * validLoss,
      testLoss: 1.05 * validLoss,
      testError: 0.31 * validLoss,
    },
    learned: inside ? Object.fromEntries(learned) : {},
    scales: inside ? Object.fromEntries(scales) : {},
    hypergradients: inside ? Object.fromEntries(Object.keys(start).map((name) => [name, 0.1 * (random() - 0.5)])) : {},
    vectors: {},
    seconds: (step * stepMs) / 1000,
  };
}

interface StateRequest {
  readonly searchId: string;
  readonly spec: SearchSpec;
  readonly facts: readonly Fact[];
  readonly trials: readonly ExportSearchResponse[];
  readonly endedMs: number;
}

function sampleState({ searchId, spec, facts, trials, endedMs }: StateRequest): Search {
  const all = trials.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  const done = all.filter((trial) => trial.reason === "END_REASON_DONE");
  const best = done.reduce<Trial | undefined>((a, b) => ((b.value ?? Infinity) < (a?.value ?? Infinity) ? b : a), undefined);
  const slotSeconds = (list: readonly Trial[]) => list.reduce((sum, trial) => sum + (trial.endedMs - trial.startedMs) / 1000, 0);
  return {
    searchId,
    spec,
    status: "SEARCH_STATUS_ENDED",
    outcome: "SEARCH_OUTCOME_COMPLETED",
    reason: "the budget of trials is spent",
    position: facts.length,
    createdMs: epochMs,
    endedMs,
    counts: { pending: 0, running: 0, paused: 0, done: done.length, stopped: 0, failed: all.length - done.length },
    bestTrial: best?.trial,
    bestValue: best?.value,
    steps: all.reduce((sum, trial) => sum + (trial.last?.step ?? 0), 0),
    slotSeconds: slotSeconds(all),
    arms: [],
    wastedSlotSeconds: slotSeconds(all.filter((trial) => trial.reason !== "END_REASON_DONE")),
    wastedByReason: { diverged: slotSeconds(all.filter((trial) => trial.reason !== "END_REASON_DONE")) },
    strategyStepsAccepted: 0,
    strategyStepsRefused: 0,
    ranMs: endedMs - epochMs,
    runningSinceMs: 0,
    failureGroups: [],
  };
}

function draw(parameter: Parameter, unit: number): number {
  const domain = parameter.domain;
  if (domain?.$case !== "double") return unit;
  const { min, max, scale } = domain.value;
  return scale === "SCALE_LOG" ? min * (max / min) ** unit : min + (max - min) * unit;
}

/** Park-Miller's generator: small, and good enough to draw wiggles with. */
function generator(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
