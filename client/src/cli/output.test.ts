/** Tables fit their terminal, CSV survives any text, and JSON holds what messages hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csvHead, csvRows } from "./csv.js";
import { toJson } from "./json.js";
import { pairs, table, wordLines, wrapped } from "./output.js";

test("a table is cut to its terminal, widest columns first, and never elsewhere", () => {
  const rows = [
    ["s1", "a name that goes on and on and on", "running"],
    ["s2", "short", "paused"],
  ];
  const narrow = table(["SEARCH", "NAME", "STATUS"], rows, 30).split("\n");
  assert.ok(
    narrow.every((line) => line.length <= 30),
    narrow.join("\n"),
  );
  assert.match(narrow[1] ?? "", /^s1 +a name.*… +running$/);
  assert.match(table(["SEARCH", "NAME", "STATUS"], rows, undefined), /on and on and on {2}running/);
});

test("a wrapped column loses no character but blanks at line ends, stays in its terminal and breaks only what is longer than a line", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z/]{1,30}$/)), fc.integer({ min: 5, max: 40 }), (words, columns) => {
      const lines = wordLines(words.join(" "), columns);
      assert.ok(lines.every((line) => line.length <= columns));
      assert.equal(lines.join("").replaceAll(" ", ""), words.join(""));
      if (words.every((word) => word.length <= columns)) assert.equal(lines.join(" "), words.join(" "));
      const rows = [["yes", "what", words.join(" ")]];
      assert.ok(
        wrapped(["", "A", "B"], rows, 80)
          .split("\n")
          .every((line) => line.length <= 80),
      );
      assert.equal(wrapped(["", "A", "B"], rows, undefined).split("\n").length, 2);
    }),
  );
});

test("names can't move the cursor or break a line", () => {
  assert.equal(table(["A"], [["x\u001b[2J\ny"]], undefined), "A\nx y");
  assert.equal(pairs([["name", "a\r\nb"]]), "name  a b");
});

test("JSON: a oneof by its name, not finite numbers as texts, zeros kept", () => {
  const value = {
    kind: { $case: "trialEnded", value: { trial: 0, loss: Number.NaN } },
    options: { $case: "user", value: 1, more: 2 },
  };
  assert.equal(toJson([Infinity, -Infinity, 0, "", null, { $case: "a" }]), '["Infinity","-Infinity",0,"",null,{"$case":"a"}]');
  assert.equal(toJson(value), '{"kind":{"trialEnded":{"trial":0,"loss":"NaN"}},"options":{"$case":"user","value":1,"more":2}}');
});

test("CSV: quotes, line breaks and formulas are defused, numbers are exact", () => {
  const columns = { parameters: ["text", "number"], learned: [], metrics: ["validLoss"] };
  assert.equal(
    csvHead(columns, false),
    "trial,status,reason,attempts,agent,step,seconds,value,started,ended,durationSeconds,parameter.text,parameter.number,best.validLoss,best.step,best.attempt,last.validLoss,last.step,last.attempt,message",
  );
  const last = {
    step: 5,
    metrics: { validLoss: 0.1 + 0.2 },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: {},
    seconds: 1.5,
    attempt: 2,
  };
  const work = {
    procedure: "fit",
    parameters: { text: 'a "b",\nc', number: 1e-7 },
    untilStep: 0,
    final: true,
    options: undefined,
    vectors: {},
    arm: "",
    inputs: [],
  };
  const trial = {
    searchId: "s1",
    trial: 3,
    status: "TRIAL_STATUS_ENDED" as const,
    reason: "END_REASON_OUT_OF_MEMORY" as const,
    message: "=1+1",
    work,
    attempts: 2,
    last,
    best: undefined,
    checkpoint: undefined,
    artifacts: [],
    agentId: "a1",
    proposedMs: 0,
    startedMs: 0,
    checkpointStep: 0,
    bestCheckpoint: undefined,
    bestCheckpointStep: 0,
    endedMs: 0,
  };
  const [row] = csvRows({ trial, measurements: [last] }, columns, false);
  assert.equal(row, `3,ended,out of memory,2,a1,5,1.5,,,,,"a ""b"",\nc",1e-7,,,,0.30000000000000004,5,2,'=1+1`);
  const best = { ...last, step: 3, attempt: 1, metrics: { validLoss: 0.125 } };
  const [good] = csvRows({ trial: { ...trial, best, value: 0.125, valueStep: 3 }, measurements: [best, last] }, columns, false);
  assert.equal(good, `3,ended,out of memory,2,a1,5,1.5,0.125,,,,"a ""b"",\nc",1e-7,0.125,3,1,0.30000000000000004,5,2,'=1+1`);
  assert.deepEqual(csvRows({ trial, measurements: [last] }, columns, true), ['3,2,5,1.5,"a ""b"",\nc",1e-7,0.30000000000000004']);
});
