import assert from "node:assert/strict";
import { test } from "node:test";
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
  assert.deepEqual(parseLine('{"checkpoint": 40}'), { kind: "checkpoint", step: 40 });
});

test("what is no measurement is output, and what means to be one and is wrong says why", () => {
  for (const line of ["", "epoch 3", "{}", '{"loss": 1}', "{not json}", "[1,2]", '{"step": 1'])
    assert.equal(parseLine(line).kind, "output", line);
  const problem = (line: string) => {
    const parsed = parseLine(line);
    return parsed.kind === "wrong" ? parsed.problem : parsed.kind;
  };
  assert.match(problem('{"step": -1, "a": 1}'), /"step" is -1/);
  assert.match(problem('{"step": 1.5, "a": 1}'), /"step" is 1.5/);
  assert.match(problem('{"step": 1}'), /no metric/);
  assert.match(problem('{"step": 1, "metrics": [1]}'), /"metrics" is \[1\]/);
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
  assert.match(line.lost[3]?.problem ?? "", /129 characters, expected 1 to 128/);
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
