/** What a report keeps where it can't show all: ends and spikes of lines, the best of the trials, an even choice of the rest; and axes that hold their values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExportSearchResponse, type Fact, Trial } from "@regulus/proto";
import fc from "fast-check";
import { sampleSearch } from "../testing/sample-search.js";
import { findingsTable, refusedTable } from "./bilevel-sections.js";
import { shownSearches, withBest } from "./chart-frame.js";
import { progressCharts } from "./charts.js";
import { parallelCharts, parallelTrialsMax } from "./parallel-charts.js";
import { renderReport } from "./report.js";
import type { SearchRecord } from "./result.js";
import { trialRowsMax, trialTable } from "./tables.js";
import { measured } from "./testing/measured-rows.js";
import { type Point, spread, thin } from "./thin.js";

const numbers = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(Number.NaN, Infinity),
);

/** Largest-triangle-three-buckets once more, from the thesis: each bucket's point with the largest triangle to the last kept one and the next mean. */
function largestTriangles(points: readonly Point[], count: number): Point[] {
  const every = (points.length - 2) / (count - 2);
  const kept = [0];
  for (let bucket = 0; bucket < count - 2; bucket += 1) {
    const from = Math.floor(bucket * every) + 1;
    const to = Math.floor((bucket + 1) * every) + 1;
    const next = points.slice(to, Math.max(to + 1, Math.min(Math.floor((bucket + 2) * every) + 1, points.length)));
    const mean = (axis: 0 | 1) => next.reduce((sum, point) => sum + point[axis], 0) / next.length;
    const a = points[kept.at(-1) ?? 0] ?? assert.fail();
    const area = (b: Point) => Math.abs((a[0] - mean(0)) * (b[1] - a[1]) - (a[0] - b[0]) * (mean(1) - a[1])) / 2;
    let best = from;
    for (let at = from; at < to; at += 1) if (area(points[at] ?? assert.fail()) > area(points[best] ?? assert.fail())) best = at;
    kept.push(best);
  }
  return [...kept, points.length - 1].map((at) => points[at] ?? assert.fail());
}

test("a thinned line is the one of the paper: as many points as asked for, the ends and the largest triangles", () => {
  fc.assert(
    fc.property(fc.array(numbers, { maxLength: 80 }), fc.integer({ min: 3, max: 20 }), (values, pointsMax) => {
      const points = values.map((value, index): Point => [index * 2, value, index]);
      const finite = points.filter(([, value]) => Number.isFinite(value));
      const kept = thin(points, pointsMax);
      assert.deepEqual(kept, finite.length <= pointsMax ? finite : largestTriangles(finite, pointsMax));
    }),
  );
  assert.deepEqual(
    thin(
      [
        [Number.NaN, 1],
        [2, 1],
      ],
      5,
    ),
    [[2, 1]],
    "a point without a place is none",
  );
});

test("a spread list keeps both ends and leaves equal gaps", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 2, max: 50 }), (length, countMax) => {
      const list = Array.from({ length }, (_, index) => index);
      const some = spread(list, countMax);
      assert.equal(some.length, Math.min(length, countMax));
      if (length === 0) return;
      assert.deepEqual([some[0], some.at(-1)], [0, length - 1]);
      const gaps = some.slice(1).map((at, index) => at - (some[index] ?? 0));
      assert.ok(
        gaps.every((gap) => gap >= 1 && gap <= Math.ceil((length - 1) / Math.max(1, some.length - 1))),
        gaps.join(),
      );
    }),
  );
});

function rowsOf(values: readonly (number | undefined)[]): ExportSearchResponse[] {
  return values.map((value, trial) => {
    const best = value === undefined ? undefined : { step: 1, metrics: { validLoss: value } };
    return {
      trial: Trial.fromPartial({
        trial,
        status: "TRIAL_STATUS_ENDED",
        reason: "END_REASON_DONE",
        best,
        last: best,
        value,
        valueStep: 1,
        work: { parameters: { inputDropout: trial, hiddenDropout: trial } },
      }),
      measurements: [],
    };
  });
}

test("of many trials a chart draws the best one and an even choice", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 3, max: 20 }),
      (count, best, rowsMax) => {
        const rows = rowsOf(Array.from({ length: count }, () => 1));
        const some = withBest(rows, best < count ? best : undefined, rowsMax);
        assert.ok(some.length <= rowsMax && new Set(some).size === some.length);
        assert.ok(some.length >= Math.min(count, rowsMax - 1));
        if (best < count) assert.ok(some.some(({ trial }) => trial?.trial === best));
      },
    ),
  );
});

for (const direction of ["DIRECTION_MINIMIZE", "DIRECTION_MAXIMIZE"] as const) {
  test(`of 1,000 trials the best half of a table and of a chart are the very best, and the others are an even choice: ${direction}`, () => {
    const sign = direction === "DIRECTION_MAXIMIZE" ? -1 : 1;
    const values = Array.from({ length: 1000 }, (_, index) => (index % 10 === 3 ? undefined : ((index * 379) % 1009) - 500));
    const sample = sampleSearch({ seed: 1, strategy: "random", trials: 0, stepsPerTrial: 1 });
    const spec = { ...(sample.search.spec ?? assert.fail()), objectives: [{ metric: "validLoss", direction }] };
    const ranked = values
      .flatMap((value, trial) => (value === undefined ? [] : [{ value, trial }]))
      .sort((a, b) => sign * (a.value - b.value));
    const record = { ...sample, trials: rowsOf(values), search: { ...sample.search, spec, bestTrial: ranked[0]?.trial } };
    const [shown] = shownSearches([record]);
    const rank = new Map(ranked.map(({ trial }, index) => [trial, index]));
    const table = trialTable(shown ?? assert.fail()).text;
    const listed = [...table.matchAll(/<tr><td class="number">(\d+)<\/td>/g)].map((match) => rank.get(Number(match[1])) ?? 1000);
    assert.equal(listed.length, trialRowsMax);
    assert.deepEqual(
      listed.slice(0, trialRowsMax / 2),
      Array.from({ length: trialRowsMax / 2 }, (_, index) => index),
    );
    assert.ok(
      listed.every((at, index) => index === 0 || at >= (listed[index - 1] ?? 0)),
      "the best first, those without a value last",
    );
    assert.ok(listed.filter((at) => at === 1000).length >= 10, "those without a value are among the others");
    const [{ option } = assert.fail()] = parallelCharts([shown ?? assert.fail()]);
    const [series] = option.series as { data: { name: string }[] }[];
    const names = new Set((series?.data ?? []).map(({ name }) => name));
    const drawn = [...names].map((name) => rank.get(Number(/(\d+)$/.exec(name)?.[1])) ?? assert.fail());
    assert.equal(drawn.length, parallelTrialsMax);
    // The colours end where a fifth of what is drawn is still worse.
    const { min, max, text } = option.visualMap as {
      readonly min: number;
      readonly max: number;
      readonly text: readonly string[];
    };
    assert.match(
      text[sign === 1 ? 0 : 1] ?? "",
      sign === 1 ? / or more$/ : / or less$/,
      "the label says that the colours end before",
    );
    const objectives = drawn.map((at) => ranked[at]?.value ?? assert.fail());
    assert.equal(sign === 1 ? min : max, ranked[0]?.value);
    const worse = objectives.filter((value) => (sign === 1 ? value > max : value < min)).length / drawn.length;
    assert.ok(worse > 0.19 && worse <= 0.2, `${worse}`);
    assert.ok(
      drawn.every((at, index) => index === 0 || at < (drawn[index - 1] ?? 0)),
      "the best on top",
    );
    assert.deepEqual(
      drawn.slice(-parallelTrialsMax / 2),
      Array.from({ length: parallelTrialsMax / 2 }, (_, index) => parallelTrialsMax / 2 - 1 - index),
    );
  });
}

test("one measurement is a course, but not beside the steps of a strategy, which tell more", () => {
  const record = measured("loss", "DIRECTION_MINIMIZE", [0.5]);
  const steps = (metrics: Record<string, number>) => [{ step: 1, accepted: true, metrics, vectors: {}, message: "", timeMs: 0 }];
  const charts = (one: SearchRecord) => progressCharts(shownSearches([one])).length;
  assert.deepEqual(
    [charts(record), charts({ ...record, steps: steps({ work: 1 }) }), charts({ ...record, steps: steps({ upperLoss: 1 }) })],
    [2, 2, 0],
  );
  const two = measured("loss", "DIRECTION_MINIMIZE", [0.5, 0.4]);
  assert.equal(charts({ ...two, steps: steps({ upperLoss: 1 }) }), 2);
});

test("of many refusals, words and findings the newest 30 of each are listed", () => {
  const record = measured("loss", "DIRECTION_MINIMIZE", [0.5]);
  const step = (index: number, metrics: Record<string, number>) => ({
    step: index,
    accepted: false,
    metrics,
    vectors: {},
    message: `m${index}.`,
    timeMs: index,
  });
  const fact = (index: number): Fact => {
    const value = { source: "s", severity: "info", message: `m${index}.`, key: undefined, trial: undefined };
    return { searchId: "s", position: index, timeMs: index, kind: { $case: "findingReported", value } };
  };
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  const listed = (html: { readonly text: string } | undefined) =>
    [...(html?.text ?? "").matchAll(/m(\d+)\./g)].map((match) => Number(match[1]));
  const many = { steps: numbers.map((at) => step(2 * at, { upperLoss: 1 })), said: numbers.map((at) => step(2 * at + 1, {})) };
  const shown = shownSearches([{ ...record, ...many, findings: numbers.map(fact) }]);
  assert.deepEqual(listed(findingsTable(shown)), numbers.slice(10));
  assert.deepEqual(
    listed(refusedTable(shown)),
    Array.from({ length: 60 }, (_, index) => 20 + index),
    "in the order of time",
  );
});

test("an attempt that ended before its trial did is listed as show lists it; without anything to list there is no heading", () => {
  const record = measured("loss", "DIRECTION_MINIMIZE", [0.5]);
  const value = { trial: 3, attempt: 1, reason: "END_REASON_LOST" as const, message: "its agent is gone", retryAtMs: 0 };
  const lost: Fact = { searchId: "s", position: 9, timeMs: 0, kind: { $case: "attemptEnded", value } };
  const page = findingsTable(shownSearches([{ ...record, findings: [lost] }]))?.text ?? "";
  assert.match(page, /trial 3.*warning.*attempt 1 ended: lost \(its agent is gone\)/s);
  const end = { ...value, final: undefined, artifacts: [], startedMs: 0 };
  const over: Fact = { ...lost, kind: { $case: "trialEnded", value: end } };
  assert.equal(findingsTable(shownSearches([{ ...record, findings: [over] }])), undefined);
});

test("the best search is compared with the next best one on the same problem, and no other search is praised", async () => {
  const other = measured("loss", "DIRECTION_MINIMIZE", [0.55]);
  const elsewhere = { ...(other.search.spec ?? assert.fail()), workload: { name: "another", module: "", options: {} } };
  const unlike = { ...other, search: { ...other.search, spec: elsewhere } };
  for (const [direction, words] of [
    ["DIRECTION_MINIMIZE", "17 % below"],
    ["DIRECTION_MAXIMIZE", "33 % above"],
  ] as const) {
    const records = [0.6, 0.5, 0.8].map((value) => measured("loss", direction, [value]));
    const page = await renderReport([...records, unlike, measured("cost", direction, [0.55])]);
    assert.deepEqual(page.match(/[\d.]+ % \w+ the next best search/g), [`${words} the next best search`]);
    const twins = await renderReport([records[0] ?? assert.fail(), measured("loss", direction, [0.6])]);
    assert.doesNotMatch(twins, /the next best search/);
  }
});
