/** Reports as a browser lays them out: nothing of a table is cut off, labels of charts stay inside and apart, no line crosses an axis that a trial lacks. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Measurement, Parameter, Trial } from "@regulus/proto";
import { sampleBilevel } from "../testing/sample-bilevel.js";
import { sampleSearch } from "../testing/sample-search.js";
import { shownSearches, valueAxis } from "./chart-frame.js";
import { parallelCharts } from "./parallel-charts.js";
import { renderReport } from "./report.js";
import type { SearchRecord } from "./result.js";

/** A search over hyperparameters of which some belong to one choice, with metrics whose names are not ours. */
function conditional(trials: number, parameters: number): SearchRecord {
  const sample = sampleSearch({ seed: 3, name: "conditional", strategy: "random", trials, stepsPerTrial: 400, divergesEvery: 9 });
  const double = (name: string, choice?: string): Parameter => ({
    name,
    domain: { $case: "double", value: { min: 1e-5, max: 1, scale: "SCALE_LOG" } },
    when: choice === undefined ? undefined : { parameter: "optimizer", equals: [choice] },
  });
  const choices = ["sgd", "adam", "a rather long choice of a name"];
  const space: Parameter[] = [
    { name: "optimizer", domain: { $case: "categorical", value: { choices } }, when: undefined },
    double("learningRate"),
    double("momentum", "sgd"),
    double("beta2_of_the_second_moment_estimate", "adam"),
    ...Array.from({ length: parameters }, (_, index) => double(`hyperparameter_number_${index}`)),
  ];
  const metric = "metrics/mAP50-95(B)";
  const measured = (one: Measurement): Measurement => {
    const metrics = {
      [metric]: 1 / (1 + (one.metrics.validLoss ?? 0)),
      "val/loss": 0.1,
      tuningFrozen: 0,
      guardScore: -1.25,
      a: 1,
      b: 2,
    };
    return { ...one, metrics };
  };
  const rows = sample.trials.map(({ trial, measurements }, index) => {
    const choice = choices[index % 3] ?? "";
    const wanted = space.filter(({ when }) => when === undefined || when.equals.includes(choice));
    const given = Object.fromEntries(
      wanted.map(({ name }, at) => [name, name === "optimizer" ? choice : 10 ** -((index + at) % 5)]),
    );
    const best = trial?.best === undefined ? undefined : measured(trial.best);
    const changed: Trial = {
      ...(trial ?? assert.fail()),
      work: { ...(trial?.work ?? assert.fail()), parameters: given },
      best,
      last: trial?.last && measured(trial.last),
      value: best?.metrics[metric],
    };
    return { trial: changed, measurements: measurements.map(measured) };
  });
  const spec = {
    ...(sample.search.spec ?? assert.fail()),
    space,
    objectives: [{ metric, direction: "DIRECTION_MAXIMIZE" as const }],
  };
  const message = "Traceback (most recent call last):\n  train.py, line 3\nRuntimeError: out of patience";
  const failureGroups = [{ reason: "END_REASON_DIVERGED" as const, message, trials: 4, firstTrial: 8 }];
  return { ...sample, trials: rows, search: { ...sample.search, spec, failureGroups, outcome: "SEARCH_OUTCOME_FAILED" } };
}

const pages: readonly (readonly [string, readonly SearchRecord[]])[] = [
  ["a conditional space of long names", [conditional(40, 12)]],
  [
    "a thousand trials",
    [sampleSearch({ seed: 2, strategy: "random", trials: 1000, stepsPerTrial: 300, measurementsPerTrial: 6 })],
  ],
  [
    "searches that learn and step",
    [
      sampleSearch({ seed: 5, name: "inside", strategy: "self-tuning-network", trials: 2, stepsPerTrial: 3000 }),
      conditional(12, 0),
      sampleBilevel({ seed: 3, name: "shrink", steps: 60, parameters: 3 }),
    ],
  ],
];

for (const [name, records] of pages) {
  test(`${name}: at 1,400 px nothing of a table is cut off, and labels of charts stand inside and apart; at 800 px labels do too`, async () => {
    const page = await renderReport(records);
    for (const width of [1400, 800]) {
      const found = await measure(page, width);
      assert.ok(found.cells > 10 && found.labels > 10, JSON.stringify(found));
      if (width === 1400) assert.deepEqual(found.cut, []);
      assert.deepEqual(
        { width, wide: found.wide, outside: found.outside, overlapping: found.overlapping, backs: found.backs },
        { width, wide: 0, outside: [], overlapping: [], backs: 0 },
      );
      if (name.includes("conditional")) assert.equal(found.absent, 2, "two axes that trials lack say so");
    }
  });
}

test("a trial's line leads through all axes: solid between its values, dashed to the lane below an axis that it lacks", () => {
  const record = conditional(30, 2);
  for (const { option } of parallelCharts(shownSearches([record]))) {
    const [series] = option.series as { data: { name: string; value: unknown[]; lineStyle: { type?: string } }[] }[];
    const pieces = series?.data ?? [];
    const axes = option.parallelAxis as { readonly min?: number; readonly regulusFrom?: number }[];
    const space = record.search.spec?.space ?? [];
    for (const [at, { when }] of space.entries())
      assert.equal((axes[at]?.min ?? 0) < (axes[at]?.regulusFrom ?? -1), when !== undefined, "a lane where trials lack it");
    for (const { trial } of record.trials.filter((row) => row.trial?.value !== undefined)) {
      const mine = pieces.filter((piece) => piece.name.endsWith(`, trial ${trial?.trial}`));
      const dashes: string[] = [];
      for (const { value, lineStyle } of mine) {
        const at = value.slice(0, -1).flatMap((one, axis) => (one === null ? [] : [axis]));
        for (const axis of at) {
          const has = axis >= space.length || (space[axis]?.name ?? "") in (trial?.work?.parameters ?? {});
          if (!has) assert.equal(value[axis], axes[axis]?.min, "it passes in the lane");
          if (axis > (at[0] ?? 0)) dashes[axis] = lineStyle.type ?? "solid";
        }
      }
      const lacks = (axis: number) => axis < space.length && !((space[axis]?.name ?? "") in (trial?.work?.parameters ?? {}));
      const wanted = Array.from({ length: space.length }, (_, at) => (lacks(at) || lacks(at + 1) ? "dashed" : "solid"));
      assert.deepEqual(dashes.slice(1), wanted, "every segment is drawn once");
    }
  }
});

test("an axis is logarithmic only for positive values over decades, and never for scores", () => {
  const type = (values: number[], metric?: string, sign: 1 | -1 = 1) =>
    valueAxis(values, metric === undefined ? undefined : { metric, sign }).type;
  assert.equal(type([1e-4, 1]), "log");
  assert.equal(type([0.01, 1]), "log");
  assert.equal(type([0.02, 1]), "value");
  assert.equal(type([0, 1]), "value");
  assert.equal(type([-1, 100]), "value");
  assert.equal(type([1e-4, 1], "val/loss"), "log");
  for (const name of ["accuracy", "val_acc", "f1", "mAP50-95(B)", "validAccuracy"])
    assert.equal(type([1e-4, 1], name), "value", name);
  assert.equal(type([1e-4, 1], "reward", -1), "value");
});

interface Measured {
  readonly cells: number;
  readonly labels: number;
  /** Labels that hide what is behind them, and those that say that trials lack the axis. */
  readonly backs: number;
  readonly absent: number;
  /** Texts of cells that are wider than their place, or stand beyond their table's. */
  readonly cut: readonly string[];
  /** Pixels by which the page is wider than the window. */
  readonly wide: number;
  /** Labels of charts that leave their chart, and pairs of names of axes that overlap. */
  readonly outside: readonly string[];
  readonly overlapping: readonly string[];
}

/** Runs in the page once it is drawn. Text inside a chart is asked of ECharts, which draws it on a canvas. */
const script = `addEventListener("load", () => setTimeout(() => {
  const cut = [];
  const cells = document.querySelectorAll("td, th, .facts dd, h3");
  for (const cell of cells) {
    const edge = (cell.closest(".scroll") ?? cell.closest(".card") ?? document.body).getBoundingClientRect().right;
    if (cell.scrollWidth > cell.clientWidth + 1 && cell.clientWidth > 0) cut.push(cell.textContent);
    else if (cell.getBoundingClientRect().right > edge + 1) cut.push("beyond: " + cell.textContent);
  }
  let labels = 0;
  let backs = 0;
  let absent = 0;
  const outside = [];
  const overlapping = [];
  for (const place of document.querySelectorAll(".chart")) {
    const texts = echarts.getInstanceByDom(place).getZr().storage.getDisplayList(true).filter((one) => one.type === "tspan" && !one.ignore && !one.invisible && one.style.text.trim() !== "");
    const boxes = texts.map((one) => {
      const box = one.getBoundingRect().clone();
      if (one.transform) box.applyTransform(one.transform);
      return { text: one.style.text, x: box.x, y: box.y, right: box.x + box.width, bottom: box.y + box.height };
    });
    labels += boxes.length;
    for (const box of boxes) {
      if (box.x < -1 || box.y < -1 || box.right > place.clientWidth + 1 || box.bottom > place.clientHeight + 1) outside.push(place.id + ": " + box.text);
    }
    if (!place.id.startsWith("parallel")) continue;
    // Names of axes stand in one row on top.
    const zr = echarts.getInstanceByDom(place).getZr();
    backs += zr.storage.getDisplayList(true).filter((one) => one.type === "rect" && one.parent?.type === "text" && one.style.fill).length;
    absent += boxes.filter(({ text }) => text === "absent").length;
    const names = boxes.filter(({ bottom }) => bottom < 40).sort((a, b) => a.x - b.x);
    names.forEach((box, at) => { if (at > 0 && names[at - 1].right > box.x) overlapping.push(names[at - 1].text + " | " + box.text); });
  }
  const wide = Math.max(0, document.documentElement.scrollWidth - innerWidth);
  document.body.dataset.measured = JSON.stringify({ cells: cells.length, labels, backs, absent, cut, wide, outside, overlapping });
}, 1500));`;

async function measure(page: string, width: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "regulus-layout-"));
  try {
    const file = join(folder, "report.html");
    // The page's own policy lets no other script run; this one only looks.
    const open = page.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
    await writeFile(file, `${open.slice(0, open.lastIndexOf("</body>"))}<script>${script}</script></body></html>`);
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      `--window-size=${width},2000`,
    ];
    const more = [
      `--user-data-dir=${join(folder, "profile")}`,
      "--virtual-time-budget=6000",
      "--dump-dom",
      pathToFileURL(file).href,
    ];
    const { stdout } = await promisify(execFile)(process.env.CHROMIUM ?? "chromium", [...flags, ...more], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: 100_000,
    });
    const text = /data-measured="([^"]*)"/.exec(stdout)?.[1] ?? assert.fail("the page was not measured");
    return JSON.parse(text.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
