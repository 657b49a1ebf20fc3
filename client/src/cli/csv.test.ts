/** CSV as other programs read it: every text comes back as it was, every number to its last digit, and no cell is a formula or a command to a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExportSearchResponse, Measurement, Trial } from "@regulus/proto";
import fc from "fast-check";
import { sampleSearch } from "../testing/sample-search.js";
import { type CsvColumns, csvColumns, csvHead, csvRows } from "./csv.js";

const [row] = sampleSearch({ seed: 1, strategy: "random", trials: 1, stepsPerTrial: 100 }).trials;
assert.ok(row?.trial?.work !== undefined);
const trial: Trial = row.trial;
const measurement: Measurement = { ...(row.measurements[0] as Measurement), attempt: 1 };

/** A reader of RFC 4180 that knows nothing of the writer. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at < text.length; ) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        assert.ok(at < text.length, "a quoted cell ends");
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') cell += text[at++];
        else break;
      }
      at += 1;
    } else {
      while (at < text.length && !",\n".includes(text[at] ?? "")) {
        assert.notEqual(text[at], '"', "a quote stands in quotes");
        cell += text[at++];
      }
    }
    rows.at(-1)?.push(cell);
    if (text[at] === "\n") rows.push([]);
    assert.ok(at === text.length || text[at] === "," || text[at] === "\n", "a comma or a line end follows a cell");
    at += 1;
    if (at === text.length && text[at - 1] === ",") rows.at(-1)?.push("");
  }
  return rows;
}

/** A message as it comes out of a CSV. */
function throughCsv(message: string): string {
  const columns: CsvColumns = { parameters: [], learned: [], metrics: [] };
  const [line = ""] = csvRows({ trial: { ...trial, message }, measurements: [] }, columns, false);
  const head = parse(csvHead(columns, false))[0] ?? [];
  const [cells = [], ...more] = parse(line);
  assert.deepEqual([cells.length, more.length], [head.length, 0]);
  return cells[head.indexOf("message")] ?? "";
}

const plain = fc
  .string({
    unit: fc.constantFrom(
      '"',
      ",",
      "\n",
      "a",
      "é",
      " ",
      "'",
      "-",
      "=",
      "+",
      "@",
      "\t",
      "＝",
      "＋",
      "－",
      "＠",
      "\u00a0",
      "0",
      "😀",
    ),
    maxLength: 12,
  })
  .filter((text) => text !== "");

test("every text comes back, and one that a spreadsheet would run as a formula has an apostrophe in front", () => {
  fc.assert(
    fc.property(plain, (text) => {
      const first = text.trimStart()[0] ?? " ";
      const runs = "=+-@＝＋－＠".includes(first) || "\t\n".includes(text[0] ?? " ");
      assert.equal(throughCsv(text), runs ? `'${text}` : text);
    }),
    {
      examples: [
        ["\n=1"],
        ["\nx"],
        [" =1"],
        ["＝1"],
        ["\u00a0＠x"],
        ['"'],
        ["-1"],
        ["-"],
        ["+1"],
        ["=1+1"],
        ["@x"],
        ["\tx"],
        ['a"b'],
        ["a,b"],
        ["a\nb"],
      ],
    },
  );
});

test("a carriage return, which a cell loses, hides no formula", () => {
  const units = fc.string({ unit: fc.constantFrom("\r", "\n", "\u001b[2J", "\u0007", " ", "=", "＝", "x"), maxLength: 6 });
  fc.assert(
    fc.property(units, (text) => assert.doesNotMatch(throughCsv(text), /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/)),
    { examples: [["\r=1"], ["\r"], ["\r\nx"], ["\u0007=1"]] },
  );
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

test("nothing in a cell moves a cursor or changes the direction of text", () => {
  const hostile = fc.string({
    unit: fc.constantFrom("\u001b", "[", "2", "J", "]", "\u0007", "\u009b", "\r", "\u202e", "\u0000", "x"),
  });
  fc.assert(fc.property(hostile, (text) => assert.doesNotMatch(throughCsv(text), unsafe)));
  assert.equal(throughCsv("\u001b[31mred\u001b[0m"), "red");
  assert.equal(throughCsv("one\r\ntwo\rthree"), "one\ntwo\nthree");
});

test("numbers come back to their last digit, nulls and lists as JSON, absent ones as nothing", () => {
  const columns: CsvColumns = { parameters: ["x", "none", "list", "flag", "toString"], learned: ["d"], metrics: ["m", "step"] };
  fc.assert(
    fc.property(fc.double(), fc.double(), (x, m) => {
      const parameters = { x, none: null, list: [1, "a"], flag: false };
      const best = { ...measurement, step: 7, attempt: 2, learned: { d: 0.25 }, metrics: { m, step: 3 } };
      const last = { ...measurement, step: 9, attempt: 3, learned: { d: 0.5 }, metrics: {} };
      const work = { ...(trial.work as NonNullable<Trial["work"]>), parameters };
      const response: ExportSearchResponse = {
        trial: { ...trial, work, best, last, value: m, valueStep: 7 },
        measurements: [best, last],
      };
      const named = (text: string) =>
        Object.fromEntries((parse(csvHead(columns, false))[0] ?? []).map((name, at) => [name, parse(text)[0]?.[at]]));
      const cells = named(csvRows(response, columns, false)[0] ?? "");
      assert.ok(Object.is(Number(cells["parameter.x"]), x === 0 ? 0 : x) && Object.is(Number(cells["best.m"]), m === 0 ? 0 : m));
      assert.deepEqual([cells["parameter.none"], cells["parameter.list"], cells["parameter.flag"]], ["null", '[1,"a"]', "false"]);
      assert.deepEqual([cells["parameter.toString"], cells["last.m"]], ["", ""]);
      assert.deepEqual([cells["best.step"], cells["best.attempt"], cells["best.metric.step"]], ["7", "2", "3"]);
      assert.deepEqual([cells["last.step"], cells["last.attempt"], cells.step], ["9", "3", "9"]);
      // Learned values are those of the measurement that counts.
      assert.equal(cells["learned.d"], "0.25");
    }),
  );
  const newest = {
    ...trial,
    best: { ...measurement, step: 7 },
    last: { ...measurement, step: 9, learned: { d: 0.5 } },
    valueStep: 9,
  };
  const only = { parameters: [], learned: ["d"], metrics: [] };
  assert.match(csvRows({ trial: newest, measurements: [] }, only, false)[0] ?? "", /,0\.5,7,/);
});

test("a row a measurement, with its attempt; a trial that is not over has no reason, and one that is absent no row", () => {
  const columns: CsvColumns = { parameters: [], learned: [], metrics: ["validLoss"] };
  const two = [
    { ...measurement, step: 1, attempt: 1, seconds: 2, metrics: { validLoss: 0.5 } },
    { ...measurement, step: 2, attempt: 2, seconds: 4, metrics: {} },
  ];
  assert.equal(csvHead(columns, true), "trial,attempt,step,seconds,metric.validLoss");
  assert.deepEqual(csvRows({ trial: { ...trial, trial: 3 }, measurements: two }, columns, true), ["3,1,1,2,0.5", "3,2,2,4,"]);
  assert.deepEqual(csvRows({ trial: undefined, measurements: two }, columns, true), []);
  const running = { ...trial, status: "TRIAL_STATUS_RUNNING" as const, reason: "END_REASON_UNSPECIFIED" as const };
  assert.match(csvRows({ trial: running, measurements: [] }, columns, false)[0] ?? "", /^0,running,,1,/);
  const lost = { ...trial, reason: "END_REASON_OUT_OF_MEMORY" as const };
  assert.match(csvRows({ trial: lost, measurements: [] }, columns, false)[0] ?? "", /^0,ended,out of memory,1,/);
});

test("hyperparameters stand in the order of the space, and a row has its start, end and duration", async () => {
  const work = { ...(trial.work as NonNullable<Trial["work"]>), parameters: { extra: 0, b: 1, a: 2 } };
  const one = { ...trial, work, startedMs: 1000, endedMs: 3500 };
  const columns = await csvColumns(
    (async function* () {
      yield { trial: one, measurements: [] };
    })(),
    [{ name: "a" }, { name: "never" }, { name: "b" }],
  );
  assert.deepEqual(columns.parameters, ["a", "b", "extra"]);
  const cells = (of: Trial) => {
    const head = parse(csvHead(columns, false))[0] ?? [];
    const row = parse(csvRows({ trial: of, measurements: [] }, columns, false)[0] ?? "")[0] ?? [];
    return ["started", "ended", "durationSeconds"].map((name) => row[head.indexOf(name)]);
  };
  assert.deepEqual(cells(one), ["1970-01-01T00:00:01.000Z", "1970-01-01T00:00:03.500Z", "2.5"]);
  assert.deepEqual(cells({ ...one, endedMs: 0 }), ["1970-01-01T00:00:01.000Z", "", ""]);
});

test("columns are all names that occur, each once, in the order of their first occurrence", async () => {
  async function* trials(): AsyncGenerator<ExportSearchResponse> {
    const one = { ...measurement, metrics: { b: 1, a: 2 }, learned: { d: 1 } };
    yield {
      trial: { ...trial, work: { ...(trial.work as NonNullable<Trial["work"]>), parameters: { y: 1 } }, last: undefined },
      measurements: [one],
    };
    yield {
      trial: { ...trial, work: undefined, last: { ...one, metrics: { c: 1, a: 1 }, learned: { e: 1, d: 1 } } },
      measurements: [],
    };
    yield { trial: undefined, measurements: [] };
  }
  assert.deepEqual(await csvColumns(trials()), { parameters: ["y"], learned: ["d", "e"], metrics: ["b", "a", "c"] });
});
