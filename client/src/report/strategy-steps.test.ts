/** What is drawn of a strategy's own steps, against steps whose lines are known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact, StrategyStepped } from "@regulus/proto";
import { lossOverTime, lossPoints, numberPoints, StepCollector, stepsHeldMax, vectorLines, workUnit } from "./strategy-steps.js";

const step = (number: number, more: Partial<StrategyStepped> = {}): StrategyStepped => ({
  step: number,
  accepted: true,
  metrics: { trials: 1 },
  vectors: {},
  message: "",
  ...more,
});

function collect(...steps: readonly StrategyStepped[]) {
  const collector = new StepCollector();
  steps.forEach((value, index) => {
    const fact: Fact = { searchId: "s", position: index + 1, timeMs: index, kind: { $case: "strategyStepped", value } };
    collector.tell(fact);
  });
  return collector.all();
}

test("losses stand over work where it is told, over steps else, with bounds where both are known; refused steps have none", () => {
  const bounded = { upperLoss: 2, lowerBound: 1.5, upperBound: 2.5, work: 10 };
  const steps = collect(
    step(1, { metrics: bounded }),
    step(2, { accepted: false, metrics: { ...bounded, work: 15 } }),
    step(2, { metrics: { upperLoss: 1, work: 30, lowerBound: Number.NaN, upperBound: 1 } }),
  );
  assert.deepEqual(lossPoints(steps, workUnit(steps)), [
    [10, 2, 1.5, 2.5],
    [30, 1],
  ]);
  const plain = collect(step(4, { metrics: { upperLoss: 3 } }));
  assert.equal(workUnit(plain).metric, undefined);
  assert.deepEqual(lossPoints(plain, workUnit(plain)), [[4, 3]]);
  assert.equal(workUnit(collect(step(1, { metrics: { draws: 3 } }))).metric, "draws");
});

test("numbers of taken and refused steps share one axis: how many steps were told before", () => {
  const lengths = [0.5, 0.25, 0.25, 0.5];
  const steps = collect(...lengths.map((stepLength, index) => step(index, { accepted: index !== 1, metrics: { stepLength } })));
  assert.deepEqual(numberPoints(steps, "stepLength", "refused"), [[2, 0.25]]);
  assert.deepEqual(
    numberPoints(steps, "stepLength", "accepted").map(([at]) => at),
    [1, 3, 4],
  );
  assert.deepEqual(numberPoints(steps, "absent"), []);
});

test("a strategy's message without numbers is not a step and is listed apart", () => {
  const collector = new StepCollector();
  const tell = (value: StrategyStepped, timeMs: number) =>
    collector.tell({ searchId: "s", position: timeMs, timeMs, kind: { $case: "strategyStepped", value } });
  tell(step(1, { metrics: { upperLoss: 2 } }), 1000);
  tell(step(1, { accepted: false, metrics: {}, message: "another trial takes over" }), 2000);
  tell(step(2, { metrics: { upperLoss: 1 } }), 4000);
  assert.deepEqual(
    collector.all().map(({ metrics }) => metrics.upperLoss),
    [2, 1],
  );
  assert.deepEqual(
    collector.said().map(({ message }) => message),
    ["another trial takes over"],
  );
  assert.deepEqual(lossOverTime(collector.all(), 500), [
    [0.5, 2],
    [3.5, 1],
  ]);
  for (let index = 0; index < 100; index += 1) tell(step(2, { metrics: {}, message: `word ${index}` }), 5000 + index);
  assert.equal(collector.said().length, 30, "bounded");
});

test("few hyperparameters have a line each, many their median and middle half", () => {
  const few = vectorLines(
    collect(step(1, { vectors: { theta: { values: [1, 2] } } }), step(2, { vectors: { theta: { values: [3, 4] } } })),
  );
  assert.deepEqual(
    few?.lines.map(({ points }) => points),
    [
      [
        [1, 1],
        [2, 3],
      ],
      [
        [1, 2],
        [2, 4],
      ],
    ],
  );
  const values = Array.from({ length: 101 }, (_, index) => (index * 37) % 101);
  const vectors = { x: { values } };
  const many = vectorLines(collect(step(1, { vectors }), step(2, { accepted: false, vectors }), step(2, { vectors })));
  assert.equal(many?.many, true);
  assert.deepEqual(many?.lines[0]?.points, [
    [1, 50, 25, 75],
    [3, 50, 25, 75],
  ]);
  assert.equal(vectorLines(collect(step(1, { vectors }))), undefined, "one point is no course");
  assert.equal(vectorLines(collect(step(1))), undefined);
});

test("what is held is bounded, in steps and in numbers of a vector", () => {
  const values = Array.from({ length: 5000 }, (_, index) => index);
  const many = collect(
    ...Array.from({ length: 3 * stepsHeldMax }, (_, index) => step(index)),
    step(7, { vectors: { theta: { values } } }),
  );
  assert.ok(many.length <= stepsHeldMax, `${many.length}`);
  assert.ok((many.at(-1)?.vectors.theta?.values.length ?? 5000) <= 512);
});
