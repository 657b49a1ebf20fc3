/** What is sent of a program's lines, against a model that joins all lines of a step first. Time is a list of calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measurement } from "@regulus/proto";
import fc from "fast-check";
import { StepMeasurements } from "./step-measurements.js";

/** What happens: a line, or the time in which a joined measurement is sent. */
const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ step: fc.integer({ min: 0, max: 6 }), metrics: metricsOf() }) },
  { weight: 1, arbitrary: fc.constant("a moment passes" as const) },
);

function metricsOf() {
  const value = fc.integer({ min: 0, max: 9 });
  return fc.dictionary(fc.constantFrom("loss", "train", "valid"), value, { minKeys: 1, noNullPrototype: true });
}

interface Run {
  readonly sent: readonly Measurement[];
  /** The joined lines, one for each step, and how many lines were left out. */
  readonly joined: ReadonlyMap<number, Record<string, number>>;
  readonly leftOut: number;
  readonly steps: StepMeasurements;
}

function run(
  happenings: readonly (typeof happening extends fc.Arbitrary<infer T> ? T : never)[],
  rate: number,
  fromStep = 0,
  sign: 1 | -1 = 1,
): Run {
  const sent: Measurement[] = [];
  const waiting: (() => void)[] = [];
  let free = rate;
  const steps = new StepMeasurements({
    objective: "loss",
    sign,
    fromStep,
    seconds: () => 1,
    mayBeSent: () => {
      free -= 1;
      return free >= 0;
    },
    send: (measurement) => sent.push(measurement),
    after: (_, call) => waiting.push(call),
  });
  const joined = new Map<number, Record<string, number>>();
  let newest = fromStep;
  let leftOut = 0;
  for (const one of happenings) {
    if (one === "a moment passes") for (const call of waiting.splice(0)) call();
    else {
      assert.equal(steps.add(one.step, one.metrics), one.step >= newest);
      if (one.step < newest) leftOut += 1;
      else joined.set(one.step, { ...joined.get(one.step), ...one.metrics });
      newest = Math.max(newest, one.step);
    }
  }
  steps.end();
  return { sent, joined, leftOut, steps };
}

test("every step is sent joined, whatever the order of its lines and the time between them", () => {
  fc.assert(
    fc.property(fc.array(happening), fc.integer({ min: 0, max: 3 }), (happenings, fromStep) => {
      const { sent, joined, leftOut, steps } = run(happenings, Number.POSITIVE_INFINITY, fromStep);
      const last = new Map(sent.map(({ step, metrics }) => [step, metrics]));
      assert.deepEqual([...last], [...joined]);
      assert.equal(steps.leftOut, leftOut);
      assert.ok(
        sent.every(({ step }, index) => index === 0 || step >= (sent[index - 1]?.step ?? 0)),
        "steps never go down",
      );
    }),
  );
});

test("two lines of a step that come at once are one measurement", () => {
  const { sent } = run([{ step: 1, metrics: { train: 2 } }, { step: 1, metrics: { loss: 3 } }, "a moment passes"], 9);
  assert.deepEqual(
    sent.map(({ step, metrics }) => [step, metrics]),
    [[1, { train: 2, loss: 3 }]],
  );
});

test("past the rate the newest and the best are sent all the same, in order", () => {
  fc.assert(
    fc.property(fc.array(happening), fc.integer({ min: 0, max: 4 }), fc.constantFrom(1, -1), (happenings, rate, sign) => {
      const { sent, joined } = run(happenings, rate, 0, sign);
      const losses = [...joined.values()].flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
      const sentLosses = [...new Map(sent.map(({ step, metrics }) => [step, metrics])).values()];
      const best = (values: readonly number[]) => Math.min(...values.map((value) => value * sign));
      assert.equal(best(sentLosses.flatMap(({ loss }) => (loss === undefined ? [] : [loss]))), best(losses));
      assert.deepEqual(sent.at(-1)?.metrics, [...joined.values()].at(-1));
      for (const [step, metrics] of new Map(sent.map((one) => [one.step, one.metrics])))
        assert.deepEqual(metrics, joined.get(step), "a step that was sent is sent whole");
      assert.ok(sent.every(({ step }, index) => index === 0 || step >= (sent[index - 1]?.step ?? 0)));
    }),
    // A step that is sent in part and falls back after the rate is spent is rare.
    { numRuns: 2000 },
  );
});
