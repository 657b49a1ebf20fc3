import assert from "node:assert/strict";
import { test } from "node:test";
import { eventProblems } from "@regulus/proto";
import fc from "fast-check";
import { parseLine } from "./measurement-lines.js";

test("both forms of a measurement are read, and NaN and Infinity as Python prints them", () => {
  assert.deepEqual(parseLine('{"step":10,"validLoss":0.3}'), {
    kind: "measurement",
    step: 10,
    metrics: { validLoss: 0.3 },
    lost: [],
  });
  assert.deepEqual(parseLine(' {"step": 2, "metrics": {"a": 1, "b": -2.5e-3}} '), {
    kind: "measurement",
    step: 2,
    metrics: { a: 1, b: -0.0025 },
    lost: [],
  });
  assert.deepEqual(parseLine('{"step": 3, "validLoss": NaN, "NaN": -Infinity}'), {
    kind: "measurement",
    step: 3,
    metrics: { validLoss: Number.NaN, NaN: Number.NEGATIVE_INFINITY },
    lost: [],
  });
  assert.deepEqual(parseLine('{"step": 4, "a \\\\": NaN, "say \\" NaN, ": 2, "-Infinity": Infinity}'), {
    kind: "measurement",
    step: 4,
    metrics: { "a \\": Number.NaN, 'say " NaN, ': 2, "-Infinity": Number.POSITIVE_INFINITY },
    lost: [],
  });
  assert.deepEqual(parseLine('{"checkpoint": 40}'), { kind: "checkpoint", step: 40 });
});

test("what is not a measurement is output, and what means to be one and is wrong says why", () => {
  for (const line of ["", "epoch 3", "{}", '{"loss": "1"}', "{not json}", "step }{", "[1,2]", '{"step": 1'])
    assert.equal(parseLine(line).kind, "output", line);
  for (const line of ['{"loss": 0.5}', '{"epoch": 1, "loss": NaN}'])
    assert.deepEqual(parseLine(line), { kind: "near", miss: "no step" }, line);
  for (const line of ["{'step': 1, 'loss': 2}", 'INFO {"step": 1, "loss": 2}', '{"step": 1, "loss": 2,}'])
    assert.deepEqual(parseLine(line), { kind: "near", miss: "no JSON" }, line);
  const problem = (line: string) => {
    const parsed = parseLine(line);
    return parsed.kind === "wrong" ? parsed.problem : parsed.kind;
  };
  assert.match(problem('{"step": -1, "a": 1}'), /"step" is -1/);
  assert.match(problem('{"step": 1.5, "a": 1}'), /"step" is 1.5/);
  assert.match(
    problem('{"step": 1764590000000, "a": 1}'),
    /"step" is 1764590000000, expected a whole number of steps from 0 to 1000000000000/,
  );
  assert.match(problem('{"checkpoint": 9007199254740991}'), /"checkpoint" is 9007199254740991, expected .* to 1000000000000/);
  assert.match(problem('{"step": 1}'), /no metric/);
  assert.match(problem('{"step": 1, "metrics": [1]}'), /"metrics" is a list of 1/);
  assert.match(problem('{"checkpoint": "now"}'), /"checkpoint" is "now"/);
});

test("a metric that is no number loses only itself, and true and false are 1 and 0", () => {
  const long = "x".repeat(129);
  const line = parseLine(
    `{"step": 1, "loss": 2, "ok": true, "off": false, "phase": "warm", "acc": null, "all": [1], "${long}": 1}`,
  );
  assert.ok(line.kind === "measurement");
  assert.deepEqual(line.metrics, { loss: 2, ok: 1, off: 0 });
  assert.deepEqual(
    line.lost.map(({ name }) => name),
    ["phase", "acc", "all", long],
  );
  assert.match(line.lost[0]?.problem ?? "", /metric "phase" is "warm", expected a number, true or false/);
  assert.match(line.lost[3]?.problem ?? "", /saw 129 characters, expected at most 128/);
  const longest = "m".repeat(128);
  assert.deepEqual(parseLine(JSON.stringify({ step: 1, [longest]: 1 })), {
    kind: "measurement",
    step: 1,
    metrics: { [longest]: 1 },
    lost: [],
  });
  const nested = parseLine('{"step": 1, "metrics": {"loss": "high", "acc": 1}}');
  assert.ok(nested.kind === "measurement");
  assert.deepEqual([nested.metrics, nested.lost.length], [{ acc: 1 }, 1]);
});

test("whatever a line holds, it is read, and what it says is within the bounds of a report", () => {
  const deep = (levels: number, inner: string) => `${"[".repeat(levels)}${inner}${"]".repeat(levels)}`;
  const json = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
    fc.constantFrom(
      "1764590000000",
      "1e300",
      "-1",
      "NaN",
      "1e999",
      '"\\ud800"',
      deep(5000, "1"),
      deep(5000, "NaN"),
      '"',
      "[".repeat(9000),
    ),
    fc.nat().map(String),
  );
  const name = fc.oneof(
    fc.constantFrom("step", "checkpoint", "metrics", "loss", "__proto__", "", "\u0000", "a\u001b[31m", "\ud800", "x".repeat(129)),
    fc.string({ unit: "binary" }),
  );
  const line = fc.array(fc.tuple(name, json), { maxLength: 6 }).map((fields) => {
    return `{${fields.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(", ")}}`;
  });
  const none = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
  const checkpoint = { sha256: "00".repeat(32), size: 1, kind: "checkpoint" };
  fc.assert(
    fc.property(fc.oneof(line, fc.string({ unit: "binary" })), (text) => {
      const said = parseLine(text);
      if (said.kind === "checkpoint")
        assert.deepEqual(eventProblems({ $case: "checkpointed", value: { step: said.step, checkpoint } }), []);
      if (said.kind === "measurement") {
        const { step, metrics, lost } = said;
        assert.deepEqual(eventProblems({ $case: "measured", value: { ...none, step, metrics } }), []);
        for (const { problem } of lost) assert.ok(problem.length < 400, problem);
      }
      if (said.kind === "wrong") assert.ok(said.problem.length < 400, said.problem);
    }),
    { numRuns: 500 },
  );
});

test("a metric with a control character in its name loses only itself", () => {
  const line = parseLine('{"step": 1, "loss": 2, "a\\u0000b": 1, "\\ud800": 1}');
  assert.ok(line.kind === "measurement");
  assert.deepEqual([line.metrics, line.lost.length], [{ loss: 2 }, 2]);
  assert.match(line.lost[0]?.problem ?? "", /metric "a\\u0000b" is not taken: .* expected no control characters/);
});
