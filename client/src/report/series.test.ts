/** The numbers behind the plots, against small searches whose answers are worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Parameter } from "@regulus/proto";
import { sampleSearch } from "../testing/sample-search.js";
import { shownSearches } from "./chart-frame.js";
import { parallelCharts } from "./parallel-charts.js";
import { resultOf } from "./result.js";
import { learnedSeries, perturbed } from "./series.js";
import { linePointsMax } from "./thin.js";

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
  const { search, trials, course } = sampleSearch({
    seed: 1,
    strategy: "self-tuning-network",
    trials: 1,
    stepsPerTrial: 100_000,
    measurementsPerTrial: 5000,
  });
  const [first] = trials;
  const [dropout] = search.spec?.space ?? [];
  assert.ok(first !== undefined && dropout !== undefined);
  assert.equal(learnedSeries(first, dropout, course)?.parts[0]?.length, linePointsMax);
  assert.ok(
    learnedSeries(first, dropout, course)
      ?.parts.flat()
      .every((point) => point.length === 4),
  );
  assert.equal(learnedSeries(first, { ...dropout, name: "other" }, course), undefined);
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

function parameter(min: number, max: number, scale: "SCALE_LINEAR" | "SCALE_LOG"): Parameter {
  return { name: "x", domain: { $case: "double", value: { min, max, scale } }, initial: undefined, when: undefined };
}

test("the thick line of parallel coordinates is the trial that its search calls its best, whichever trials are as good", () => {
  const sample = sampleSearch({ seed: 4, strategy: "random", trials: 9, stepsPerTrial: 100 });
  const trials = sample.trials.map((row) => ({ ...row, trial: { ...(row.trial ?? assert.fail()), value: 0.5 } }));
  for (const bestTrial of [0, 4, 8]) {
    const record = { ...sample, trials, search: { ...sample.search, bestTrial, bestValue: 0.5 } };
    for (const { option } of parallelCharts(shownSearches([record]))) {
      const [series] = option.series as { data: { name: string; lineStyle: { width: number } }[] }[];
      const widest = Math.max(...(series?.data ?? []).map(({ lineStyle }) => lineStyle.width));
      const thick = new Set((series?.data ?? []).filter(({ lineStyle }) => lineStyle.width === widest).map(({ name }) => name));
      assert.deepEqual(
        [...thick].map((name) => name.replace(/^.*, /, "")),
        [`trial ${bestTrial}`],
      );
    }
  }
});
