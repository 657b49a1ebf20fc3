/** What a program's lines say of its trial, and what is told of lines that do not count: a few in words, the rest as a number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Direction, limits } from "@regulus/proto";
import fc from "fast-check";
import { testSpec } from "../testing/test-agent.js";
import type { FromTrial } from "../trial/messages.js";
import { parseLine } from "./measurement-lines.js";
import { ProgramMeasurements } from "./program-measurements.js";

interface Given {
  readonly untilStep?: number;
  readonly final?: boolean;
  readonly stepsPerTrial?: number;
  readonly fromStep?: number;
  readonly overruns?: boolean;
  readonly direction?: Direction;
}

function begin(given: Given = {}) {
  const { untilStep = 0, final = true, stepsPerTrial = 0, fromStep = 0, overruns = false } = given;
  const sent: FromTrial[] = [];
  const objectives = [{ metric: "loss", direction: given.direction ?? Direction.DIRECTION_MINIMIZE }];
  const measurements = new ProgramMeasurements({
    spec: testSpec({ objectives, budget: { stepsPerTrial } }),
    work: { untilStep, final },
    fromStep,
    overruns,
    seconds: () => 1,
    send: (message) => void sent.push(message),
  });
  const say = (line: object) => {
    const said = parseLine(JSON.stringify(line));
    assert.ok(said.kind === "measurement");
    return measurements.add(said);
  };
  const found = () => sent.flatMap((message) => (message.kind === "found" ? [message.message] : []));
  const steps = () => sent.flatMap((message) => (message.kind === "measured" ? [message.measurement.step] : []));
  return { measurements, say, sent, found, steps };
}

test("five lines that are no measurements are told of, then their number; five metrics, each once, then how often there were more", () => {
  const { measurements, say, found } = begin();
  for (let i = 1; i <= 7; i += 1) measurements.wrong(`fault ${i}`);
  assert.deepEqual(
    found(),
    [1, 2, 3, 4, 5].map((i) => `a line is not a measurement: fault ${i}`),
  );
  assert.equal(measurements.newestWrong, "fault 7");
  for (let step = 1; step <= 2; step += 1) say({ step, loss: 1, a: "x", b: "x", c: "x", d: "x", e: "x", f: "x" });
  assert.equal(found().filter((words) => /^a metric is left out: metric "[a-e]" is "x"/.test(words)).length, 5);
  measurements.finish();
  assert.deepEqual(found().slice(10), [
    "2 more values of metrics left out: not numbers, or with invalid names",
    "7 lines in all are not measurements",
  ]);
  const few = begin();
  for (let i = 1; i <= 5; i += 1) few.measurements.wrong("fault");
  few.say({ step: 2, loss: 1, a: "x" });
  few.say({ step: 1, loss: 1 });
  few.measurements.finish();
  assert.equal(few.found().length, 7, "what was told of in words needs no number");
});

test("a line of a lower step is shown, cut where it is long, with the step that it should have; where it continues from counts", () => {
  const { measurements, say, found, steps } = begin({ fromStep: 30 });
  assert.equal(measurements.step, 30);
  assert.equal(say({ step: 29, loss: 1, ["x".repeat(100)]: 1, ["y".repeat(100)]: 1 }), "before");
  assert.match(
    found()[0] ?? "",
    /^a line is left out: \{"step":29,"loss":1,"x+.{0,40}; expected a step of at least 30, the newest so far$/,
  );
  assert.ok((found()[0] ?? "").length < 220);
  say({ step: 30, loss: 2 });
  measurements.finish();
  assert.deepEqual([steps(), measurements.step, found().length], [[30], 30, 1]);
});

test("a measurement holds as many metrics as the contract allows, and the objective counts as measured whatever came before", () => {
  const { measurements, say, found } = begin();
  const many = Object.fromEntries(Array.from({ length: limits.measurementNamesMax }, (_, i) => [`m${i}`, i]));
  say({ step: 1, ...many });
  say({ step: 2, other: 1, loss: 3 });
  assert.deepEqual(
    [measurements.names.size, measurements.names.has("loss"), measurements.names.has("other")],
    [limits.measurementNamesMax + 1, true, false],
  );
  say({ step: 2, ...many });
  assert.equal(Object.keys(measurements.newest?.metrics ?? {}).length, limits.measurementNamesMax);
  assert.equal(measurements.newest?.metrics.loss, 3, "what came first stays");
  measurements.finish();
  assert.deepEqual(found(), [`2 metrics left out: a measurement has at most ${limits.measurementNamesMax}`]);
});

test("measurements end to count past the end of the work, or of what a trial may have; one that only pauses may continue", () => {
  const cases: readonly (readonly [Given, number[]])[] = [
    [{ untilStep: 3 }, [1, 2, 3]],
    [{ untilStep: 3, final: false }, [1, 2, 3, 4, 5, 6, 7]],
    [{ untilStep: 3, final: false, stepsPerTrial: 5 }, [1, 2, 3, 4, 5]],
    [{ untilStep: 3, stepsPerTrial: 5 }, [1, 2, 3]],
    [{}, [1, 2, 3, 4, 5, 6, 7]],
  ];
  for (const [given, counted] of cases) {
    const { measurements, say, steps, sent, found } = begin(given);
    const arrivals = [1, 2, 3, 4, 5, 6, 7].map((step) => say({ step, loss: step }));
    measurements.finish();
    assert.deepEqual(steps(), counted, JSON.stringify(given));
    const until = given.untilStep;
    assert.deepEqual(
      arrivals,
      [1, 2, 3, 4, 5, 6, 7].map((step) =>
        until === undefined || step < until ? "before" : step === until ? "reached" : "beyond",
      ),
    );
    assert.equal(measurements.hasReached, until !== undefined);
    assert.deepEqual(
      [sent.filter(({ kind }) => kind === "overran").length, found().length],
      until === undefined ? [0, 0] : [1, 1],
    );
  }
  const known = begin({ untilStep: 3, overruns: true });
  for (const step of [3, 4]) known.say({ step, loss: 1 });
  assert.deepEqual(
    known.sent.map(({ kind }) => kind),
    ["measured"],
  );
});

test("the measurement at the target is sent at once, one before a checkpoint before it, others when their step is over", () => {
  const { measurements, say, steps } = begin({ untilStep: 9 });
  say({ step: 1, loss: 1 });
  assert.deepEqual(steps(), []);
  measurements.flush();
  assert.deepEqual(steps(), [1]);
  say({ step: 2, loss: 1 });
  say({ step: 3, loss: 1 });
  assert.deepEqual(steps(), [1, 2]);
  say({ step: 9, loss: 1 });
  assert.deepEqual(steps(), [1, 2, 3, 9]);
});

test("the first objective that is not finite is why a program diverged; other metrics may be what they like", () => {
  const { measurements } = begin();
  const say = (line: string) => {
    const said = parseLine(line);
    assert.ok(said.kind === "measurement");
    measurements.add(said);
  };
  say('{"step": 1, "acc": NaN}');
  say('{"step": 2, "loss": 1e300}');
  assert.equal(measurements.diverged, "");
  say('{"step": 3, "loss": -Infinity}');
  say('{"step": 4, "loss": NaN}');
  assert.equal(measurements.diverged, "loss is -Infinity at step 3: the program's training stopped being finite");
});

test("of more measurements than may be sent at once the best by the objective's direction is among those that are", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(Direction.DIRECTION_MINIMIZE, Direction.DIRECTION_MAXIMIZE),
      fc.integer({ min: 1100, max: 2400 }),
      (direction, at) => {
        const { measurements, say, sent } = begin({ direction });
        const sign = direction === Direction.DIRECTION_MINIMIZE ? -1 : 1;
        for (let step = 1; step <= 2500; step += 1) say({ step, loss: step === at ? sign : 0 });
        measurements.finish();
        const losses = sent.flatMap((message) => (message.kind === "measured" ? [message.measurement.metrics.loss] : []));
        assert.ok(losses.includes(sign));
        assert.ok(losses.length >= 1000 && losses.length < 2400, `${losses.length} of 2500`);
      },
    ),
    { numRuns: 6 },
  );
});
