/** Schedules: what is recorded is what held at every step, however much is thinned out, and a file that is none is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { decodeSchedule, encodeSchedule, rowOf, ScheduleRecording, type ScheduleRow, valuesAt } from "./schedule.js";

/** What held after a round: a wave. */
const row = (round: number): ScheduleRow => ({ values: [Math.sin(round)], scales: [1 / (1 + round)] });

/** Records so many rounds, each three training steps after the last. */
function recorded(rounds: number, rowsKept: number) {
  const recording = new ScheduleRecording(["rate"], row(0), rowsKept);
  for (let round = 1; round <= rounds; round++) recording.tuned(3 * round, row(round));
  return decodeSchedule(encodeSchedule(recording.document(3 * rounds + 1, row(rounds))));
}

test("while nothing is thinned out, every step has exactly the values that held at it", () => {
  const schedule = recorded(50, 64);
  for (let step = 0; step < 151; step++) {
    assert.equal(valuesAt(schedule, step).rate, row(Math.floor(step / 3)).values[0], `step ${step}`);
  }
  assert.equal(valuesAt(schedule, 10_000).rate, row(50).values[0], "the last row holds for ever");
});

test("a thinned schedule stays small, keeps beginning and end, and every row holds what held there", () => {
  for (const rounds of [65, 200, 5000]) {
    const { steps, values } = recorded(rounds, 64);
    assert.ok(steps.length > 32 && steps.length <= 66, `${steps.length} rows of ${rounds} rounds`);
    assert.deepEqual([steps[0], steps.at(-1)], [0, 3 * rounds + 1]);
    for (const [at, step] of steps.entries()) assert.equal(values.rate?.values[at], row(Math.floor(step / 3)).values[0]);
    const gaps = steps.slice(1, -1).map((step, at) => step - (steps[at] ?? 0));
    assert.equal(new Set(gaps).size, 1, "rows are equally far apart");
  }
});

test("saved and restored in the middle, a recording continues exactly; a jump has a row of its own", () => {
  const whole = new ScheduleRecording(["rate"], row(0), 8);
  const first = new ScheduleRecording(["rate"], row(0), 8);
  const second = new ScheduleRecording(["rate"], row(99), 8);
  for (let round = 1; round <= 40; round++) {
    whole.tuned(round, row(round));
    (round <= 21 ? first : second).tuned(round, row(round));
    if (round === 21) second.restore(JSON.parse(JSON.stringify(first.save())));
  }
  assert.deepEqual(second.document(41, row(40)), whole.document(41, row(40)));
  second.jumped(41, row(7));
  assert.equal(valuesAt(decodeSchedule(encodeSchedule(second.document(60, row(8)))), 50).rate, row(7).values[0]);
});

test("what is no schedule is refused with what is wrong", () => {
  const refused = (document: unknown, words: RegExp) =>
    assert.throws(
      () => decodeSchedule(new TextEncoder().encode(typeof document === "string" ? document : JSON.stringify(document))),
      (error) => error instanceof RegulusError && error.code === "invalid-argument" && words.test(error.message),
    );
  refused("{", /expected an object with steps/);
  refused({ steps: [0, 5, 5], values: { rate: [1, 2, 3] } }, /steps\[2\].*a whole number above 5/);
  refused({ steps: [1], values: { rate: [1] } }, /0, where training begins/);
  refused({ steps: [0, 5], values: { rate: [1] } }, /values\.rate: saw 1 number, expected 2/);
  refused({ steps: [0], values: {} }, /0 hyperparameters/);
  refused({ steps: Array.from({ length: 5000 }, (_, at) => at), values: {} }, /5000 steps/);
});

test("a row holds from its own step until the step before the next, and before the first row the first one does", () => {
  const steps = [0, 3, 4, 10];
  const expected = [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3];
  assert.deepEqual(
    expected.map((_, step) => rowOf(steps, step)),
    expected,
  );
  for (const count of [1, 2, 3, 7, 8]) {
    const all = Array.from({ length: count }, (_, at) => 2 * at);
    for (let step = 0; step < 2 * count + 3; step++) assert.equal(rowOf(all, step), Math.min(count - 1, Math.floor(step / 2)));
  }
});

test("what comes at a step that has a row replaces it: a jump, another round, the end", () => {
  const recording = new ScheduleRecording(["a", "b"], { values: [1, 2], scales: [0.1, 0.2] }, 8);
  recording.jumped(0, { values: [3, 4], scales: [0.3, 0.4] });
  recording.tuned(5, { values: [5, 6], scales: [0.5, 0.6] });
  recording.tuned(5, { values: [7, 8], scales: [0.7, 0.8] });
  assert.deepEqual(recording.document(5, { values: [9, 10], scales: [0.9, 1] }), {
    format: "regulus-schedule",
    version: 1,
    steps: [0, 5],
    values: { a: [3, 9], b: [4, 10] },
    scales: { a: [0.3, 0.9], b: [0.4, 1] },
    stepsDone: 5,
    tuningRoundsPerRow: 1,
  });
  assert.deepEqual(recording.save().rows.at(-1)?.values, [7, 8], "the document changes nothing of the recording");
  assert.deepEqual(recording.document(6, { values: [9, 10], scales: [0.9, 1] }).steps, [0, 5, 6]);
  const saved = recording.save();
  recording.jumped(7, { values: [0, 0], scales: [1, 1] });
  assert.deepEqual([saved.steps, saved.rows.length, saved.rounds, saved.stride], [[0, 5], 2, 2, 1], "a save is a copy");
  recording.restore(saved);
  recording.jumped(8, { values: [0, 0], scales: [1, 1] });
  assert.deepEqual(saved.steps, [0, 5], "and so is what is restored");
});

test("a recording that is not told otherwise keeps 1,024 rows, and is thinned by the next", () => {
  const recording = new ScheduleRecording(["rate"], row(0));
  for (let round = 1; round < 1024; round++) recording.tuned(round, row(round));
  assert.deepEqual([recording.save().steps.length, recording.save().stride], [1024, 1]);
  recording.tuned(1024, row(1024));
  assert.deepEqual([recording.save().steps.length, recording.save().stride], [513, 2]);
});

test("a recording keeps its bound of rows exactly, and every row stands for as many rounds as it says", () => {
  for (const rowsKept of [2, 5, 8]) {
    const recording = new ScheduleRecording(["rate"], row(0), rowsKept);
    for (let round = 1; round <= 100; round++) {
      recording.tuned(round, row(round));
      const { steps, stride, rounds } = recording.save();
      assert.equal(rounds, round);
      assert.ok(steps.length <= rowsKept, `${steps.length} rows`);
      assert.deepEqual(
        steps,
        Array.from({ length: Math.floor(round / stride) + 1 }, (_, at) => at * stride),
      );
      // No sooner than it has to: with half the stride there would be too many.
      assert.ok(stride === 1 || Math.floor(round / (stride / 2)) + 1 > rowsKept, `stride ${stride} after ${round} rounds`);
    }
  }
});
