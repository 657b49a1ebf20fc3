/** A report as its reader has it: every word and number of the page, and every chart's axes, lines and colours, in report.transcript.txt. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ExportSearchResponse,
  type Fact,
  Measurement,
  type Parameter,
  type Search,
  SearchSpec,
  Trial,
} from "@regulus/proto";
import { sampleBilevel } from "../testing/sample-bilevel.js";
import { sampleSearch } from "../testing/sample-search.js";
import { assertTranscript } from "../testing/transcript.js";
import { courseOf } from "./course.js";
import { renderReport } from "./report.js";
import type { SearchRecord } from "./result.js";

const createdMs = Date.UTC(2026, 0, 5, 9, 30);
const madeMs = createdMs + 86_400_000;

/** A page as lines of words. Marks: [tag], [tag!] for a bad and [tag+] for a good one, *best of a column*, {all digits}, (colour). */
function pageText(page: string): string {
  const entities: Readonly<Record<string, string>> = { "&#60;": "<", "&#62;": ">", "&#34;": '"', "&#39;": "'", "&#38;": "&" };
  return (
    page
      .replace(/<style>[\s\S]*?<\/style>|<script[\s\S]*?<\/script>|<meta[^>]*>/g, "")
      .replace(/<tr[\s\S]*?<\/tr>/g, (row) => row.replaceAll("\n", " "))
      .replace(
        /Whole search, with defaults<\/summary><pre>(.*?)<\/pre>/gs,
        (_, json: string) => `Whole search: ${json.split("\n").length} lines</summary>`,
      )
      .replace(/src="data:image\/png;base64,([^"]*)"/g, (_, bytes: string) => `bytes="${bytes.length}"`)
      .replace(/<div class="chart[^"]*" id="([^"]*)"[^>]*?( style="[^"]*")?><\/div>/g, "chart $1$2\n")
      .replace(/<span class="swatch" style="--search: var\(--(c\d)\)"><\/span>/g, "($1) ")
      .replace(/<article class="card search( failed)?" style="--search: var\(--(c\d)\)">/g, "card$1 ($2)\n")
      .replace(
        /<span class="tag( bad| good)?">(.*?)<\/span>/g,
        (_, kind, words) => `[${words}${kind === " bad" ? "!" : kind === " good" ? "+" : ""}]`,
      )
      .replace(/<t[dh] class="number best" title="([^"]*)">(.*?)<\/t[dh]>/g, "*$2* {$1} | ")
      .replace(/<t[dh] class="number( name)?" title="([^"]*)">(.*?)<\/t[dh]>/g, "$3 {$2} | ")
      .replace(/<img alt="([^"]*)"[^>]*?(bytes="\d+")>/g, "picture $1 ($2)\n")
      .replace(/<wbr>/g, "")
      .replace(/<\/(td|th|dt)>/g, " | ")
      .replace(/<(h1|h2|h3)[^>]*>/g, (_, tag: string) => `\n${"#".repeat(Number(tag[1]))} `)
      .replace(/<\/(tr|p|h\d|div|li|pre|summary|figcaption|title|dd|article)>/g, "\n")
      .replace(/<[^>]+>/g, "")
      .replace(/&#\d+;/g, (entity) => entities[entity] ?? entity)
      // Machines may differ in the last digits of a power or an exponential.
      .replace(/\{(\d\.\d{13,})\}/g, (_, digits: string) => `{${Number(digits).toPrecision(12)}..}`)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && line !== "|")
      .map((line) => (line.startsWith("#") ? `\n${line}` : line))
      .join("\n")
  );
}

/** The charts of a page, a line for each axis and series; numbers at six digits, since machines differ in the last ones. */
function chartsText(page: string, wanted: RegExp): string {
  const json = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page)?.[1] ?? assert.fail("no charts");
  const charts: readonly { readonly id: string; readonly option: Readonly<Record<string, unknown>> }[] = JSON.parse(json);
  const short = (value: unknown) =>
    JSON.stringify(value, (_, one: unknown) => (typeof one === "number" ? Number(one.toPrecision(6)) : one)).replaceAll('"', "");
  return charts
    .filter(({ id }) => wanted.test(id))
    .map(({ id, option }) => {
      const lines = Object.entries(option).flatMap(([key, value]) =>
        (Array.isArray(value) ? value : [value]).map((one) => `  ${key} ${short(one)}`),
      );
      return `\n== ${id}\n${lines.join("\n")}`;
    })
    .join("\n");
}

const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44]);

/** A search that runs, over a space of every kind, with trials that were restarted, failed, wait or lack what others have. */
function mixed(): SearchRecord {
  const parameter = (
    name: string,
    domain: Parameter["domain"],
    more: Partial<Pick<Parameter, "when" | "initial">> = {},
  ): Parameter => {
    return { name, domain, when: more.when, initial: more.initial };
  };
  const spec = SearchSpec.fromPartial({
    name: "mixed <b>",
    command: { argv: ["python3", "train.py", "--data", "/a/rather/long/path/to/the/data/of/this/search", "--more"] },
    objectives: [{ metric: "mAP50-95(B)", direction: "DIRECTION_MAXIMIZE" }],
    strategy: { name: "random" },
    budget: { trials: 1, stepsPerTrial: 1000, steps: 5000, wallTimeMs: 5_400_000 },
    parallelism: 3,
    seed: 11,
  });
  const space = [
    parameter("optimizer", { $case: "categorical", value: { choices: ["sgd", "adam", null] } }),
    parameter(
      "nesterov",
      { $case: "boolean", value: {} },
      { when: { parameter: "optimizer", equals: ["sgd", "adam"] }, initial: true },
    ),
    parameter("width", { $case: "int", value: { min: 8, max: 1024, scale: "SCALE_LOG", step: 8 } }),
    parameter("rate", { $case: "double", value: { min: 1e-5, max: 1, scale: "SCALE_LOG" } }, { initial: 0.01 }),
    parameter("narrow", { $case: "double", value: { min: 1, max: 5, scale: "SCALE_LOG" } }),
    parameter("decay", { $case: "double", value: { min: 0.1, max: 0.9, scale: "SCALE_LOGIT" } }),
    ...["p7", "p8", "p9"].map((name) => parameter(name, { $case: "double", value: { min: 0, max: 1, scale: "SCALE_LINEAR" } })),
  ];
  const facts: Fact[] = [];
  const tell = (afterMs: number, kind: NonNullable<Fact["kind"]>) =>
    facts.push({ searchId: "m", position: facts.length + 1, timeMs: createdMs + afterMs, kind });
  tell(0, { $case: "searchCreated", value: { spec, idempotencyKey: "" } });
  const rows: ExportSearchResponse[] = [];
  const add = (
    trial: number,
    attempts: readonly (readonly (readonly [step: number, value: number, atMs: number])[])[],
    more: Parameters<typeof Trial.fromPartial>[0],
  ) => {
    const parameters = {
      optimizer: ["sgd", null, "adam"][trial % 3],
      ...(trial % 3 === 1 ? {} : { nesterov: trial === 0 }),
      width: 8 * (trial + 1),
      rate: [1, 0.1, 0.01, 1e-3, 1e-4, 1e-5][trial],
      narrow: 1 + trial,
      decay: 0.3,
      ...Object.fromEntries(["p7", "p8", "p9"].map((name, index) => [name, (trial + index) / 8])),
    };
    const work = {
      procedure: "command",
      parameters,
      untilStep: 1000,
      final: true,
      options: undefined,
      vectors: {},
      arm: "",
      inputs: [],
    };
    tell(10, { $case: "trialProposed", value: { trial, work } });
    const measurements: Measurement[] = [];
    for (const [index, points] of attempts.entries()) {
      tell((points[0]?.[2] ?? 0) - 5, {
        $case: "attemptStarted",
        value: { trial, attempt: index + 1, agentId: "a", fromStep: 0 },
      });
      for (const [step, value, atMs] of points) {
        const metrics = { "mAP50-95(B)": value, validLoss: 1 - value, trainError: value / 2, tuningFrozen: 0, a: 1, b: 2, c: 3 };
        const learned = { decay: 0.5 + value / 5 };
        const measurement = Measurement.fromPartial({
          step,
          metrics,
          learned,
          scales: { decay: 0.5 },
          seconds: step / 10,
          attempt: index + 1,
        });
        measurements.push(measurement);
        tell(atMs, { $case: "trialMeasured", value: { trial, attempt: index + 1, measurement } });
      }
    }
    const whole = Trial.fromPartial({
      searchId: "m",
      trial,
      attempts: attempts.length,
      work,
      last: measurements.at(-1),
      ...more,
    });
    rows.push({ trial: whole, measurements });
  };
  const counted = (step: number, value: number) => ({
    best: {
      step,
      metrics: { "mAP50-95(B)": value, validLoss: 1 - value, trainError: value / 2, tuningFrozen: 0, a: 1, b: 2, c: 3 },
      learned: { decay: 0.5 + value / 5 },
    },
    value,
    valueStep: step,
  });
  const ended = { status: "TRIAL_STATUS_ENDED" } as const;
  add(
    0,
    [
      [
        [100, 0.2, 1000],
        [200, 0.3, 2000],
      ],
      [
        [100, 0.25, 5000],
        [200, 0.4, 6000],
        [300, 0.35, 7000],
      ],
    ],
    { ...ended, reason: "END_REASON_DONE", ...counted(200, 0.4) },
  );
  add(
    1,
    [
      [
        [100, 0.5, 8000],
        [200, 0.002, 9000],
      ],
    ],
    { ...ended, reason: "END_REASON_STOPPED_EARLY", ...counted(100, 0.5) },
  );
  const message = "RuntimeError: CUDA out of memory at 0x7f3a";
  add(2, [[[50, 0.9, 9500]]], { ...ended, reason: "END_REASON_USER_ERROR", message });
  add(3, [[[100, 0.1, 9700]]], {
    ...ended,
    reason: "END_REASON_USER_ERROR",
    message: message.replace("7f3a", "91bc"),
    attempts: 3,
  });
  add(4, [], { status: "TRIAL_STATUS_PENDING" });
  add(
    5,
    [
      [
        [100, 0.004, 12_000],
        [150, 0.004, 13_000],
      ],
    ],
    { status: "TRIAL_STATUS_RUNNING", ...counted(100, 0.004) },
  );
  const search: Search = {
    ...sampleSearch({ seed: 1, strategy: "random", trials: 0, stepsPerTrial: 1 }).search,
    searchId: "mixed-search",
    spec: { ...spec, space },
    status: "SEARCH_STATUS_RUNNING",
    outcome: "SEARCH_OUTCOME_UNSPECIFIED",
    reason: "",
    createdMs,
    ranMs: 60_000,
    runningSinceMs: createdMs + 3000,
    counts: { pending: 1, running: 1, paused: 0, done: 1, stopped: 1, failed: 2 },
    bestTrial: 1,
    bestValue: 0.5,
    steps: 1234,
    slotSeconds: 100,
    wastedSlotSeconds: 25.678,
    wastedByReason: { lost: 5.678, user_error: 20 },
    failureGroups: [{ reason: "END_REASON_USER_ERROR", message, trials: 2, firstTrial: 2 }],
    arms: [
      { name: "", trials: 3, steps: 900, bestTrial: 0, bestValue: 0.4 },
      { name: "control", trials: 1, steps: 300, bestTrial: 1, bestValue: 0.5 },
      { name: "replay", trials: 0, steps: 0 },
    ],
  };
  const found = (atMs: number, kind: NonNullable<Fact["kind"]>): Fact => ({
    searchId: "m",
    position: 1,
    timeMs: createdMs + atMs,
    kind,
  });
  const findings = [
    found(1500, { $case: "strategyFailed", value: { message: "it threw" } }),
    found(62_000, {
      $case: "findingReported",
      value: { source: "guard", severity: "error", message: "contradicted", key: undefined },
    }),
  ];
  return { search, trials: rows, course: courseOf(facts), findings };
}

/** An ended search, every trial of which failed, and one of which nothing is known. */
function failed(): SearchRecord {
  const { search, trials, course } = sampleSearch({
    seed: 5,
    strategy: "random",
    trials: 2,
    stepsPerTrial: 100,
    divergesEvery: 1,
    measurementsPerTrial: 3,
  });
  const said = [
    { step: 2, accepted: false, metrics: {}, vectors: {}, message: "nothing is left to try", timeMs: createdMs + 500 },
  ];
  const outcome = { outcome: "SEARCH_OUTCOME_FAILED", reason: "all failed alike", bestTrial: undefined } as const;
  return { search: { ...search, ...outcome, slotSeconds: 0, wastedSlotSeconds: 0, wastedByReason: {} }, trials, course, said };
}

test("the numbers of a report are those of the log and match its transcript", async () => {
  const steps = { stepsPerTrial: 400, measurementsPerTrial: 4, slots: 1 };
  const inside = sampleSearch({ seed: 1, name: "inside", strategy: "self-tuning-network", trials: 2, ...steps });
  const outside = sampleSearch({ seed: 2, name: "outside", strategy: "random", trials: 4, divergesEvery: 3, ...steps });
  const twin: SearchRecord = {
    ...outside,
    search: {
      ...outside.search,
      searchId: "another-one",
      slotSeconds: 10,
      wastedSlotSeconds: 12,
      reason: "the strategy ended: it is done",
    },
    said: [{ step: 1, accepted: false, metrics: {}, vectors: {}, message: "it is done", timeMs: createdMs }],
  };
  const pages: readonly (readonly [string, readonly SearchRecord[]])[] = [
    ["inside and outside", [inside, outside]],
    ["twins", [outside, twin]],
    [
      "strategies that step",
      [
        sampleBilevel({ name: "shrink", seed: 3, steps: 7, parameters: 2, picture }),
        sampleBilevel({ name: "filters", seed: 4, steps: 13, parameters: 9 }),
      ],
    ],
    ["mixed", [mixed()]],
    ["failed", [failed()]],
  ];
  let text = "";
  for (const [title, records] of pages) {
    const page = await renderReport(records, { title, madeMs });
    const words = pageText(page);
    // Of twins only what tells them apart; of steps only their own charts.
    const shown = title === "twins" ? `${words.slice(0, 1200)}\n...\n${words.slice(words.indexOf("## Cost"))}` : words;
    const charts = title === "twins" ? /^cost/ : title.startsWith("strategies") ? /^(steps|schedule)/ : /./;
    text += `\n${"=".repeat(60)}\n${shown}\n${chartsText(page, charts)}\n`;
  }
  assertTranscript(import.meta.url, "report.transcript.txt", text);
});
