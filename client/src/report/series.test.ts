/** The numbers behind the plots, against small searches whose answers are worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExportSearchResponse, Measurement, Parameter } from "@regulus/proto";
import { resultOf } from "./result.js";
import { sampleSearch } from "./sample.js";
import { learnedSeries, linePointsMax, perturbed, progressSeries } from "./series.js";

const record = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 100 });

test("progress counts the steps of all trials in the order of time, and only ever improves", () => {
  const rows = [
    row({
      trial: 0,
      startedMs: 0,
      endedMs: 10_000,
      values: [
        [10, 5, 0.9],
        [20, 10, 0.4],
      ],
    }),
    row({
      trial: 1,
      startedMs: 2000,
      endedMs: 12_000,
      values: [
        [30, 5, 0.7],
        [60, 10, 0.6],
      ],
    }),
  ];
  const { bySteps, bySeconds } = progressSeries({ search: { ...record.search, createdMs: 0 }, trials: rows });
  // At 5 s 0.9 (10 steps), at 7 s 0.7 (40), at 10 s 0.4 (50); the last point closes the line at 12 s and 80 steps.
  assert.deepEqual(bySteps, [
    [10, 0.9],
    [40, 0.7],
    [50, 0.4],
    [80, 0.4],
  ]);
  assert.deepEqual(bySeconds, [
    [5, 0.9],
    [7, 0.7],
    [10, 0.4],
    [12, 0.4],
  ]);
});

test("progress of a search that is maximized rises", () => {
  const search = {
    ...record.search,
    createdMs: 0,
    spec: record.search.spec && {
      ...record.search.spec,
      objectives: [{ metric: "validLoss", direction: "DIRECTION_MAXIMIZE" as const }],
    },
  };
  const trials = [
    row({
      trial: 0,
      startedMs: 0,
      endedMs: 3000,
      values: [
        [1, 1, 0.2],
        [2, 2, 0.8],
        [3, 3, 0.5],
      ],
    }),
  ];
  assert.deepEqual(progressSeries({ search, trials }).bySteps, [
    [1, 0.2],
    [2, 0.8],
    [3, 0.8],
  ]);
  assert.equal(resultOf({ search: { ...search, bestTrial: 0 }, trials }).best?.value, 0.8);
  const failed = trials.map((row) => ({ ...row, trial: row.trial && { ...row.trial, value: undefined, valueStep: undefined } }));
  assert.deepEqual(progressSeries({ search, trials: failed }).bySteps, [], "a trial that failed has no values");
});

test("a scale is spread in the unconstrained coordinate, on the parameter's own axis", () => {
  const [low, high] = perturbed(parameter(0, 1, "SCALE_LINEAR"), 0.5, 1) ?? [0, 0];
  // sigmoid(±1) = 0.5 ± 0.2311.
  assert.ok(Math.abs(low - 0.26894) < 1e-5 && Math.abs(high - 0.73106) < 1e-5, `${low} ${high}`);
  const [below, above] = perturbed(parameter(1e-4, 1, "SCALE_LOG"), 1e-2, 1) ?? [0, 0];
  // Half of the way in log; 10^(-4 + 4 · 0.26894) and 10^(-4 + 4 · 0.73106).
  assert.ok(Math.abs(below / 10 ** (-4 + 4 * 0.2689414) - 1) < 1e-5 && Math.abs(above / 10 ** (-4 + 4 * 0.7310586) - 1) < 1e-5);
  assert.equal(perturbed({ ...parameter(0, 1, "SCALE_LINEAR"), domain: { $case: "boolean", value: {} } }, 1, 1), undefined);
});

test("a learned value at an end of its range, or beyond it, still has a finite band", () => {
  for (const value of [0, 1, 1.2, -0.1]) {
    assert.ok(
      perturbed(parameter(0, 1, "SCALE_LINEAR"), value, 0.5)?.every((edge) => edge >= 0 && edge <= 1),
      String(value),
    );
  }
});

test("a long training gives few points", () => {
  const { search, trials } = sampleSearch({
    seed: 1,
    strategy: "self-tuning-network",
    trials: 1,
    stepsPerTrial: 100_000,
    measurementsPerTrial: 5000,
  });
  const [first] = trials;
  const [dropout] = search.spec?.space ?? [];
  assert.ok(first !== undefined && dropout !== undefined);
  assert.equal(learnedSeries(first, dropout)?.points.length, linePointsMax);
  assert.ok(learnedSeries(first, dropout)?.points.every((point) => point.length === 4));
  assert.equal(learnedSeries(first, { ...dropout, name: "other" }), undefined);
});

test("the result of a search is its best trial at its best measurement, and learned values win", () => {
  const learning = sampleSearch({ seed: 1, strategy: "self-tuning-network", trials: 1, stepsPerTrial: 1000 });
  const result = resultOf(learning);
  assert.equal(result.best?.value, learning.search.bestValue);
  assert.deepEqual(result.hyperparameters, result.best?.measurement.learned);
  assert.deepEqual(
    Object.keys(result.hyperparameters),
    learning.search.spec?.space.map((p) => p.name),
  );
  assert.equal(result.seconds, (learning.search.endedMs - learning.search.createdMs) / 1000);
  assert.equal(resultOf({ ...learning, trials: [] }).best, undefined);
});

interface RowRequest {
  readonly trial: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Step, training seconds, objective. */
  readonly values: readonly (readonly [number, number, number])[];
}

function row({ trial, startedMs, endedMs, values }: RowRequest): ExportSearchResponse {
  const template = record.trials[0]?.trial;
  assert.ok(template !== undefined);
  const measurements = values.map(
    ([step, seconds, validLoss]): Measurement => ({
      step,
      seconds,
      metrics: { validLoss },
      learned: {},
      scales: {},
      hypergradients: {},
      vectors: {},
    }),
  );
  const best = measurements.reduce((a, b) => ((b.metrics.validLoss ?? 0) > (a.metrics.validLoss ?? 0) ? b : a));
  const value = best.metrics.validLoss;
  return { trial: { ...template, trial, startedMs, endedMs, best, value, valueStep: best.step }, measurements };
}

function parameter(min: number, max: number, scale: "SCALE_LINEAR" | "SCALE_LOG"): Parameter {
  return { name: "x", domain: { $case: "double", value: { min, max, scale } }, initial: undefined, when: undefined };
}
