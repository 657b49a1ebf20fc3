/** Schedules in a report: the best trial's, whatever else was left, and nothing of what is no schedule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleSearch } from "../testing/sample-search.js";
import { shownSearches } from "./chart-frame.js";
import type { ResultFile } from "./result.js";
import { scheduleCharts } from "./schedule-charts.js";

const sample = sampleSearch({ seed: 1, strategy: "random", trials: 3, stepsPerTrial: 100 });
const bestTrial = sample.search.bestTrial ?? assert.fail();
const otherTrial = (bestTrial + 1) % 3;

/** Titles and points of the charts that these files give. */
function drawn(files: readonly (readonly [trial: number, document: unknown, kind?: string])[]): unknown {
  const results = files.map(([trial, document, kind = "schedule"]): ResultFile => {
    const text = typeof document === "string" ? document : JSON.stringify(document);
    return { trial, kind, bytes: new TextEncoder().encode(text) };
  });
  return scheduleCharts(shownSearches([{ ...sample, results }])).map(({ title, option }) => {
    const [series] = option.series as { name: string; data: unknown }[];
    return [title, series?.name.replace(/^.*, /, ""), series?.data];
  });
}

test("the best trial's schedule is drawn, a chart for each hyperparameter; another trial's where the best left none", () => {
  const best = { steps: [0, 10], values: { rate: [1, 2], decay: [3, 4] } };
  const other = { steps: [5], values: { rate: [7] } };
  const wanted = [
    [
      "rate",
      `trial ${bestTrial}`,
      [
        [0, 1],
        [10, 2],
      ],
    ],
    [
      "decay",
      `trial ${bestTrial}`,
      [
        [0, 3],
        [10, 4],
      ],
    ],
  ];
  assert.deepEqual(
    drawn([
      [otherTrial, other],
      [bestTrial, best],
    ]),
    wanted,
  );
  assert.deepEqual(
    drawn([
      [otherTrial, other],
      [bestTrial, "broken"],
      [bestTrial, best],
    ]),
    wanted,
  );
  assert.deepEqual(
    drawn([
      [bestTrial, "broken"],
      [otherTrial, other],
    ]),
    [["rate", `trial ${otherTrial}`, [[5, 7]]]],
  );
  assert.deepEqual(drawn([[bestTrial, best, "image"]]), []);
});

test("what is no schedule is left out: whole files, and columns that do not fit", () => {
  const nothing = ["", "null", "3", "[]", "{}", { steps: [1] }, { values: { a: [1] } }, { steps: [], values: { a: [] } }];
  const wrong = [
    { steps: ["1"], values: { a: [1] } },
    { steps: [1], values: null },
    { steps: [1], values: 3 },
    { steps: 1, values: { a: 1 } },
  ];
  for (const document of [...nothing, ...wrong]) assert.deepEqual(drawn([[bestTrial, document]]), [], JSON.stringify(document));
  const columns = { short: [1], long: [1, 2, 3], words: [1, "2"], none: null, good: [5, 6] };
  assert.deepEqual(drawn([[bestTrial, { steps: [1, 2], values: columns }]]), [
    [
      "good",
      `trial ${bestTrial}`,
      [
        [1, 5],
        [2, 6],
      ],
    ],
  ]);
  assert.deepEqual(drawn([[bestTrial, { steps: [1, 2], values: { short: [1] } }]]), []);
});
