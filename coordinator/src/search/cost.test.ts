/** What a search costs, on timelines short enough to be added up by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
import { Cost, noTime } from "./cost.js";

/** Tells kinds at seconds after the beginning; answers the cost. */
function after(slots: number, ...trials: readonly (readonly (readonly [number, Fact["kind"]])[])[]): Cost {
  const cost = new Cost(slots);
  for (const facts of trials) {
    const time = noTime();
    for (const [second, kind] of facts) cost.tell(time, { searchId: "s", position: 1, timeMs: 1000 * second, kind });
  }
  return cost;
}

const started: Fact["kind"] = { $case: "attemptStarted", value: { trial: 0, attempt: 1, agentId: "a", fromStep: 0 } };
const measured: Fact["kind"] = { $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement: undefined } };
const saved: Fact["kind"] = { $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step: 5, checkpoint: undefined } };
const paused: Fact["kind"] = { $case: "trialPaused", value: { trial: 0, attempt: 1, step: 5, artifacts: [] } };
const failed = (reason: EndReason): Fact["kind"] => {
  return { $case: "attemptEnded", value: { trial: 0, attempt: 1, reason, message: "", retryAtMs: 0 } };
};
const ended = (reason: EndReason): Fact["kind"] => {
  return {
    $case: "trialEnded",
    value: { trial: 0, attempt: 1, reason, message: "", final: undefined, artifacts: [], startedMs: 0 },
  };
};

test("time counts while an attempt holds slots, up to its newest fact, times its slots", () => {
  assert.equal(
    after(2, [
      [0, started],
      [3, measured],
    ]).slotSeconds,
    6,
  );
  const cost = after(2, [
    [0, started],
    [4, paused],
    [10, started],
    [11, ended(EndReason.END_REASON_DONE)],
  ]);
  assert.deepEqual([cost.slotSeconds, cost.wastedSlotSeconds, cost.wastedByReason()], [10, 0, {}]);
});

test("a lost or preempted attempt wastes what it did since it last saved", () => {
  const cost = after(
    1,
    [
      [0, started],
      [4, saved],
      [7, failed(EndReason.END_REASON_LOST)],
      [8, started],
      [20, ended(EndReason.END_REASON_DONE)],
    ],
    [
      [0, started],
      [5, saved],
      [5, failed(EndReason.END_REASON_PREEMPTED)],
      [6, started],
      [8, failed(EndReason.END_REASON_PREEMPTED)],
    ],
  );
  assert.equal(cost.slotSeconds, 19 + 7);
  assert.deepEqual([cost.wastedSlotSeconds, cost.wastedByReason()], [5, { lost: 3, preempted: 2 }]);
});

test("a trial that fails for good wastes all of its time, each second once", () => {
  const cost = after(1, [
    [0, started],
    [4, saved],
    [6, failed(EndReason.END_REASON_OUT_OF_MEMORY)],
    [7, started],
    [8, saved],
    [10, ended(EndReason.END_REASON_TIMED_OUT)],
  ]);
  assert.equal(cost.slotSeconds, 9);
  // 2 s were lost with the first attempt; the 4 s that it saved and the 3 s of the second one came to nothing too.
  assert.deepEqual(cost.wastedByReason(), { out_of_memory: 2, timed_out: 7 });
  assert.equal(cost.wastedSlotSeconds, cost.slotSeconds);
  assert.equal(
    after(1, [
      [0, started],
      [4, ended(EndReason.END_REASON_STOPPED_EARLY)],
    ]).wastedSlotSeconds,
    0,
  );
});

test("the end of a trial wastes its time for reasons that leave no result, and for no other", () => {
  const wasted = Object.values(EndReason).filter((reason) => {
    const { wastedSlotSeconds, slotSeconds } = after(3, [
      [0, started],
      [4, saved],
      [5, ended(reason)],
    ]);
    assert.equal(slotSeconds, 15);
    assert.ok(wastedSlotSeconds === 0 || wastedSlotSeconds === 15, reason);
    return wastedSlotSeconds > 0;
  });
  const reasons = ["LOST", "OUT_OF_MEMORY", "TIMED_OUT", "DIVERGED", "INFEASIBLE", "USER_ERROR"].map(
    (name) => `END_REASON_${name}`,
  );
  assert.deepEqual([...wasted].sort(), reasons.sort());
});

test("a clock that goes back takes nothing away", () => {
  assert.equal(
    after(1, [
      [10, started],
      [12, measured],
      [11, measured],
      [13, ended(EndReason.END_REASON_DONE)],
    ]).slotSeconds,
    3,
  );
});

test("a clock that stays back counts nothing, and takes nothing away either", () => {
  const cost = after(1, [
    [10, started],
    [12, measured],
    [11, ended(EndReason.END_REASON_LOST)],
  ]);
  assert.deepEqual([cost.slotSeconds, cost.wastedSlotSeconds], [2, 2]);
});

test("work that a new process does again is wasted as repeated, and a process that waits continues", () => {
  const again = (fromStep: number): Fact["kind"] => {
    return { $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "a", fromStep } };
  };
  const wasted = (fromStep: number, repeatsFrom: number) => {
    const [cost, time] = [new Cost(2), noTime()];
    const tell = (second: number, kind: Fact["kind"], from = 0) =>
      cost.tell(time, { searchId: "s", position: 1, timeMs: 1000 * second, kind }, from);
    tell(0, started);
    tell(2, saved);
    tell(5, paused);
    tell(9, again(fromStep), repeatsFrom);
    tell(10, ended(EndReason.END_REASON_DIVERGED));
    assert.equal(cost.slotSeconds, 2 * 6);
    return cost.wastedByReason();
  };
  // 2 s are saved and 1 s follows; the 3 s between are done again, or are part of what the end makes waste.
  assert.deepEqual(wasted(5, 10), { diverged: 6, repeated: 6 });
  assert.deepEqual(wasted(5, 5), { diverged: 12 });
  assert.deepEqual(wasted(5, 0), { diverged: 12 });
});

test("a failed trial that continues takes back what its checkpoints hold, and counters never go back for it", () => {
  const [cost, time] = [new Cost(2), noTime()];
  const tell = (second: number, kind: Fact["kind"], of = time) =>
    cost.tell(of, { searchId: "s", position: 1, timeMs: 1000 * second, kind });
  assert.deepEqual(cost.sinceAsked(), { slotSeconds: 0, wasted: {} });
  tell(0, started);
  tell(4, saved);
  tell(5, ended(EndReason.END_REASON_LOST));
  assert.deepEqual(cost.sinceAsked(), { slotSeconds: 10, wasted: { lost: 10 } });
  assert.deepEqual(cost.sinceAsked(), { slotSeconds: 0, wasted: { lost: 0 } }, "each second is told once");
  const next = cost.takeBack(EndReason.END_REASON_LOST, time.keptMs);
  assert.deepEqual(next, { countedMs: undefined, unsavedMs: 0, keptMs: 4000 });
  assert.deepEqual([cost.wastedSlotSeconds, cost.wastedByReason()], [2, { lost: 2 }]);
  assert.deepEqual(cost.sinceAsked(), { slotSeconds: 0, wasted: { lost: 0 } });
  tell(10, started, next);
  tell(15, ended(EndReason.END_REASON_LOST), next);
  assert.deepEqual(cost.wastedByReason(), { lost: 2 + 8 + 10 });
  assert.deepEqual(cost.sinceAsked(), { slotSeconds: 10, wasted: { lost: 10 } }, "10 of the 18 were not told yet");
});
