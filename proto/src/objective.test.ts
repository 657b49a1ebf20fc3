/** The one definition of a trial's value and of the best trial, against a plain reading of the whole story. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Objective } from "./gen/regulus/v1/search.js";
import { Measurement } from "./gen/regulus/v1/trial.js";
import { countedMeasurement, isBetter, Leader, metricOf, noValue, type Ranked, valueAfter } from "./objective.js";

const objectives = fc.record({
  metric: fc.constantFrom("loss", "val/loss", "__proto__", "constructor"),
  direction: fc.constantFrom("DIRECTION_MINIMIZE" as const, "DIRECTION_MAXIMIZE" as const),
  value: fc.constantFrom("OBJECTIVE_VALUE_BEST" as const, "OBJECTIVE_VALUE_LAST" as const, undefined),
});
// Few values, so that ties are met.
const metrics = fc.constantFrom(-1, 0, 0.5, 2, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined);

function measurementOf(step: number, metric: string, value: number | undefined): Measurement {
  const map = Object.fromEntries(value === undefined ? [["other", 1]] : [[metric, value]]);
  return { step, metrics: map, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
}

/** The value of a trial from all that it measured. */
function plainValue(values: readonly (number | undefined)[], { direction, value }: Objective): number {
  const measured = values.filter((one) => one !== undefined);
  if (value === "OBJECTIVE_VALUE_LAST") return Number.isFinite(measured.at(-1)) ? (measured.at(-1) ?? Number.NaN) : Number.NaN;
  const finite = measured.filter(Number.isFinite);
  if (finite.length === 0) return Number.NaN;
  return direction === "DIRECTION_MAXIMIZE" ? Math.max(...finite) : Math.min(...finite);
}

test("a trial's value is its best or its newest finite measurement, whatever the metric's name", () => {
  fc.assert(
    fc.property(objectives, fc.array(metrics, { maxLength: 12 }), (objective, values) => {
      const counted = values.reduce((before, value, at) => {
        // Each step is measured twice, the second time for good.
        const once = valueAfter(before, measurementOf(at + 1, objective.metric, 0.25), { objective, isAgain: false });
        return valueAfter(once, measurementOf(at + 1, objective.metric, value), { objective, isAgain: true });
      }, noValue);
      assert.equal(counted.value, plainValue(values, objective));
      if (Number.isNaN(counted.value)) assert.equal(counted.step, 0);
      else assert.equal(values[counted.step - 1], counted.value, "its step is where it was measured");
    }),
  );
});

/** What may happen to trials: one of six measures, or ends well or badly. */
const happenings = fc.array(
  fc.record({ trial: fc.nat(5), what: fc.constantFrom("measures", "measures", "measures", "ends", "fails"), value: metrics }),
  { maxLength: 60 },
);

test("the leader is the lowest trial of the best value among those that did not fail, after every fact", () => {
  fc.assert(
    fc.property(objectives, happenings, (objective, all) => {
      const leader = new Leader(objective);
      const told = new Map<number, (number | undefined)[]>();
      const over = new Map<number, number>();
      const live = function* (): Generator<Ranked> {
        for (const [trial, values] of told) if (!over.has(trial)) yield { trial, value: plainValue(values, objective) };
      };
      for (const { trial, what, value } of all) {
        if (over.has(trial)) continue;
        const values = [...(told.get(trial) ?? []), ...(what === "measures" ? [value] : [])];
        told.set(trial, values);
        const counted = what === "fails" ? Number.NaN : plainValue(values, objective);
        if (what !== "measures") over.set(trial, counted);
        if (what === "measures") leader.measured(trial, counted, live);
        else leader.ended(trial, counted, live);
        const ranked = [...told]
          .map(([number, list]) => ({ number, value: over.get(number) ?? plainValue(list, objective) }))
          .filter((one) => !Number.isNaN(one.value))
          .sort(
            (a, b) =>
              (objective.direction === "DIRECTION_MAXIMIZE" ? b.value - a.value : a.value - b.value) || a.number - b.number,
          );
        assert.deepEqual([leader.trial, leader.value], [ranked[0]?.number, ranked[0]?.value ?? Number.NaN]);
      }
    }),
  );
});

test("a metric of any name crosses the wire, one that an object is born with too", () => {
  const names = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "mAP50-95(B)"), fc.string({ minLength: 1 }));
  fc.assert(
    // The wire leaves out a zero in a map and with it its sign.
    fc.property(
      fc.dictionary(
        names,
        fc.double().map((value) => value + 0),
        { noNullPrototype: true },
      ),
      (metrics) => {
        const sent = { ...measurementOf(1, "", undefined), metrics };
        const came = Measurement.decode(Measurement.encode(sent).finish());
        assert.deepEqual(Object.entries(came.metrics).sort(), Object.entries(metrics).sort());
        assert.equal(metricOf(came.metrics, "hasOwnProperty"), undefined);
        for (const name of Object.keys(metrics)) assert.ok(Object.is(metricOf(came.metrics, name), metrics[name]));
      },
    ),
  );
});

test("more is better only where the objective says so", () => {
  assert.equal(isBetter(2, 1, { direction: "DIRECTION_MAXIMIZE" }), true);
  assert.equal(isBetter(2, 1, { direction: "DIRECTION_MINIMIZE" }), false);
  assert.equal(isBetter(2, 1, { direction: "DIRECTION_UNSPECIFIED" }), false);
  assert.equal(isBetter(2, Number.NaN, { direction: "DIRECTION_MINIMIZE" }), true);
});

test("the measurement that counts holds the value, even where the newest one lacks the metric", () => {
  const objective: Objective = { metric: "loss", direction: "DIRECTION_MINIMIZE", value: "OBJECTIVE_VALUE_LAST" };
  const last = measurementOf(9, "other", 3);
  const trial = { last, best: measurementOf(1, "loss", 0.1), value: 0.5, valueStep: 7 };
  const whole = { ...trialBase, ...trial };
  assert.deepEqual(countedMeasurement(whole, objective), { ...last, step: 7, metrics: { other: 3, loss: 0.5 } });
  assert.equal(countedMeasurement(whole, { ...objective, value: undefined }), trial.best);
  assert.equal(countedMeasurement({ ...whole, value: undefined }, objective), undefined, "a trial that failed has none");
});

const trialBase = {
  searchId: "s",
  trial: 0,
  status: "TRIAL_STATUS_ENDED" as const,
  reason: "END_REASON_DONE" as const,
  message: "",
  work: undefined,
  attempts: 1,
  checkpoint: undefined,
  artifacts: [],
  agentId: "a",
  proposedMs: 0,
  startedMs: 0,
  endedMs: 0,
  checkpointStep: 0,
  bestCheckpoint: undefined,
  bestCheckpointStep: 0,
};
