/** Over any history of a search, a report shows the log's own times, step counts and values, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndReason, ExportSearchResponse, Fact, Measurement, Trial } from "@regulus/proto";
import fc from "fast-check";
import { sampleSearch } from "../testing/sample-search.js";
import { courseOf } from "./course.js";
import { resultOf, type SearchRecord } from "./result.js";
import { progressSeries, trialSeries } from "./series.js";

const sample = sampleSearch({ seed: 1, strategy: "random", trials: 1, stepsPerTrial: 100 });
const template = sample.trials[0]?.trial ?? assert.fail();
const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
const createdMs = 1_000_000;

/** What happens next to a trial: its number, how long after what went before, and a draw that decides. */
interface Event {
  readonly trial: number;
  readonly afterMs: number;
  readonly what: "measure" | "lose" | "pause" | "end" | "fail";
  readonly steps: number;
  readonly value: number;
  readonly back: number;
}

const events = fc.array(
  fc.record({
    trial: fc.integer({ min: 0, max: 3 }),
    afterMs: fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constant(3_600_000)),
    what: fc.constantFrom<Event["what"][]>("measure", "measure", "measure", "measure", "lose", "pause", "end", "fail"),
    steps: fc.integer({ min: 1, max: 50 }),
    value: fc.oneof(fc.double({ min: -2, max: 2, noNaN: true }), fc.constantFrom(Number.NaN, Infinity)),
    back: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 60 },
);
const kinds = fc.record({ maximize: fc.boolean(), last: fc.boolean() });

interface Model {
  readonly record: SearchRecord;
  /** Seconds since the creation and value of everything that was measured, by trials that have a value. */
  readonly measured: readonly (readonly [seconds: number, value: number])[];
  readonly best: number | undefined;
  readonly facts: readonly Fact[];
}

/** A history as a coordinator would write it, and what it comes to, counted the plain way. */
function history(list: readonly Event[], { maximize, last }: { readonly maximize: boolean; readonly last: boolean }): Model {
  const sign = maximize ? -1 : 1;
  const objective = {
    metric: "val/loss",
    direction: maximize ? ("DIRECTION_MAXIMIZE" as const) : ("DIRECTION_MINIMIZE" as const),
    ...(last ? { value: "OBJECTIVE_VALUE_LAST" as const } : {}),
  };
  const spec = { ...(sample.search.spec ?? assert.fail()), objectives: [objective] };
  const facts: Fact[] = [];
  let timeMs = createdMs;
  const tell = (kind: NonNullable<Fact["kind"]>) => facts.push({ searchId: "s", position: facts.length + 1, timeMs, kind });
  tell({ $case: "searchCreated", value: { spec, idempotencyKey: "" } });
  const trials = new Map<
    number,
    { step: number; saved: number; attempt: number; runs: boolean; over: EndReason | ""; rows: Measurement[]; at: number[] }
  >();
  const work = {
    procedure: "fit",
    parameters: {},
    untilStep: 1000,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  for (const { trial, afterMs, what, steps, value, back } of list) {
    timeMs += afterMs;
    let state = trials.get(trial);
    if (state === undefined) {
      state = { step: 0, saved: 0, attempt: 0, runs: false, over: "", rows: [], at: [] };
      trials.set(trial, state);
      tell({ $case: "trialProposed", value: { trial, work } });
    }
    if (state.over !== "") continue;
    if (!state.runs) {
      state.attempt += 1;
      state.step = state.saved;
      state.runs = true;
      tell({ $case: "attemptStarted", value: { trial, attempt: state.attempt, agentId: "a", fromStep: state.saved } });
    }
    const { attempt } = state;
    if (what === "measure") {
      state.step += steps;
      const measurement = { ...nothing, step: state.step, metrics: { "val/loss": value } };
      state.rows.push({ ...measurement, attempt });
      state.at.push((timeMs - createdMs) / 1000);
      tell({ $case: "trialMeasured", value: { trial, attempt, measurement } });
    } else if (what === "lose") {
      state.saved = Math.floor(state.saved + back * (state.step - state.saved));
      state.runs = false;
      tell({ $case: "attemptEnded", value: { trial, attempt, reason: "END_REASON_LOST", message: "", retryAtMs: 0 } });
    } else if (what === "pause") {
      state.saved = state.step;
      state.runs = false;
      tell({ $case: "trialPaused", value: { trial, attempt, step: state.step, artifacts: [] } });
      tell({ $case: "trialResumed", value: { trial, work } });
    } else {
      state.over = what === "end" ? "END_REASON_DONE" : "END_REASON_DIVERGED";
      const value = { trial, attempt, reason: state.over, message: "", final: undefined, artifacts: [], startedMs: 0 };
      tell({ $case: "trialEnded", value });
    }
  }
  const rows: ExportSearchResponse[] = [];
  const measured: [number, number][] = [];
  let best: number | undefined;
  for (const [number, { rows: measurements, at, over, attempt }] of trials) {
    const values = measurements.map(({ metrics }) => metrics["val/loss"] ?? Number.NaN);
    const ranked = values.map((value, index) => [value, index] as const).filter(([value]) => Number.isFinite(value));
    const counted = last
      ? Number.isFinite(values.at(-1))
        ? ranked.at(-1)
        : undefined
      : [...ranked].sort((a, b) => sign * (a[0] - b[0]))[0];
    const good = over === "END_REASON_DIVERGED" ? undefined : counted;
    const trial: Trial = {
      ...template,
      trial: number,
      attempts: attempt,
      value: good?.[0],
      valueStep: measurements[good?.[1] ?? -1]?.step,
    };
    rows.push({ trial, measurements });
    if (good === undefined) continue;
    values.forEach((value, index) => void measured.push([at[index] ?? -1, value]));
    if (best === undefined || sign * good[0] < sign * best) best = good[0];
  }
  const record = { search: { ...sample.search, spec, createdMs }, trials: rows, course: courseOf(facts) };
  return { record, measured, best, facts };
}

test("every point of the progress is a measurement of the log at its own time, and the line ends at the best value and all steps", () => {
  fc.assert(
    fc.property(events, kinds, (list, kind) => {
      const { record, measured, best } = history(list, kind);
      const { bySeconds, bySteps } = progressSeries(record);
      assert.equal(bySeconds.length, bySteps.length);
      assert.equal(bySeconds.at(-1)?.[1], best);
      if (best === undefined) return;
      const sign = kind.maximize ? -1 : 1;
      for (const [index, [seconds, value]] of bySeconds.slice(0, -1).entries()) {
        assert.ok(
          measured.some(([at, one]) => at === seconds && Object.is(one, value)),
          `${value} at ${seconds} s was not measured`,
        );
        const before = bySeconds[index - 1];
        if (before !== undefined) assert.ok(sign * value < sign * before[1] && seconds >= before[0]);
      }
      assert.equal(bySteps.at(-1)?.[0], record.course.steps);
      assert.ok(bySteps.every(([at], index) => at >= 0 && bySteps[index]?.[1] === bySeconds[index]?.[1]));
    }),
  );
});

test("step counts are those of the log: what each trial has done, what is lost not counted twice", () => {
  fc.assert(
    fc.property(events, kinds, (list, kind) => {
      const { record, facts } = history(list, kind);
      // Counted anew from the facts: the step of each trial at its newest start or measurement.
      const at = new Map<number, number>();
      for (const { kind: told } of facts) {
        if (told?.$case === "attemptStarted") at.set(told.value.trial, told.value.fromStep);
        if (told?.$case === "trialMeasured") at.set(told.value.trial, told.value.measurement?.step ?? 0);
      }
      assert.equal(
        record.course.steps,
        [...at.values()].reduce((sum, step) => sum + step, 0),
      );
    }),
  );
});

test("a curve is cut exactly where an attempt began before what was measured, and loses no point", () => {
  fc.assert(
    fc.property(events, kinds, (list, kind) => {
      const { record, facts } = history(list, kind);
      const cuts = new Map<number, number>();
      const newest = new Map<number, number>();
      const pending = new Set<number>();
      for (const { kind: told } of facts) {
        if (told?.$case === "attemptStarted" && told.value.fromStep < (newest.get(told.value.trial) ?? 0))
          pending.add(told.value.trial);
        if (told?.$case !== "trialMeasured") continue;
        const { trial, measurement } = told.value;
        if (pending.delete(trial)) cuts.set(trial, (cuts.get(trial) ?? 0) + 1);
        newest.set(trial, measurement?.step ?? 0);
      }
      for (const row of record.trials) {
        const parts = trialSeries(row, "val/loss", record.course);
        assert.ok(parts.every((points) => points.every(([x], index) => index === 0 || x > (points[index - 1]?.[0] ?? 0))));
        const finite = row.measurements.filter(({ metrics }) => Number.isFinite(metrics["val/loss"]));
        assert.equal(parts.flat().length, finite.length);
        if (row.measurements.length > 0) assert.equal(parts.length, 1 + (cuts.get(row.trial?.trial ?? -1) ?? 0));
      }
    }),
  );
});

test("a paused hour moves no point, and the wall time is the time in which the search ran", () => {
  const measure = { trial: 0, what: "measure", steps: 10, back: 0 } as const;
  const { record } = history(
    [
      { ...measure, afterMs: 4000, value: 0.9 },
      { ...measure, afterMs: 1000, what: "pause", value: 0 },
      { ...measure, afterMs: 3_600_000, value: 0.5 },
    ],
    { maximize: false, last: false },
  );
  assert.deepEqual(progressSeries(record).bySeconds, [
    [4, 0.9],
    [3605, 0.5],
    [3605, 0.5],
  ]);
  const ran = { ...record.search, ranMs: 5000, runningSinceMs: 0 };
  assert.equal(resultOf({ ...record, search: ran }).seconds, 5, "seconds are no milliseconds");
  const runs = { ...ran, runningSinceMs: createdMs + 3_600_000 };
  assert.equal(resultOf({ ...record, search: runs }).seconds, 10);
});

test("a curve is cut where a trial that had failed is retried from an earlier step", () => {
  const facts: Fact[] = [];
  const tell = (kind: NonNullable<Fact["kind"]>) => facts.push({ searchId: "s", position: facts.length + 1, timeMs: 0, kind });
  const spec = { ...(sample.search.spec ?? assert.fail()) };
  const work = {
    procedure: "fit",
    parameters: {},
    untilStep: 1000,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  const measurements = [100, 200, 150].map(
    (step, index): Measurement => ({ ...nothing, step, metrics: { validLoss: 1 }, attempt: index === 2 ? 2 : 1 }),
  );
  tell({ $case: "searchCreated", value: { spec, idempotencyKey: "" } });
  tell({ $case: "trialProposed", value: { trial: 0, work } });
  tell({ $case: "attemptStarted", value: { trial: 0, attempt: 1, agentId: "a", fromStep: 0 } });
  for (const measurement of measurements.slice(0, 2))
    tell({ $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement } });
  const end = { reason: "END_REASON_USER_ERROR" as const, message: "", final: undefined, artifacts: [], startedMs: 0 };
  tell({ $case: "trialEnded", value: { trial: 0, attempt: 1, ...end } });
  tell({ $case: "trialRetried", value: { trial: 0, work, idempotencyKey: "", allFailed: false } });
  tell({ $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "a", fromStep: 100 } });
  for (const measurement of measurements.slice(2)) tell({ $case: "trialMeasured", value: { trial: 0, attempt: 2, measurement } });
  const parts = trialSeries({ trial: { ...template, trial: 0 }, measurements }, "validLoss", courseOf(facts));
  assert.deepEqual(
    parts.map((points) => points.map(([step]) => step)),
    [[100, 200], [150]],
  );
});
