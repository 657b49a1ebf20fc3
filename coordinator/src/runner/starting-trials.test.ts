/** When a trial starts, waits and is to stop, as facts tell it. In virtual time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason } from "@regulus/proto";
import { measurement } from "./testing/hand.js";
import { once, ScriptedCoordinator, start } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;
beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.openVirtual();
});
afterEach(() => at.close());

const deferrals = async (searchId: string) =>
  (await at.factsOf(searchId)).flatMap(({ kind, timeMs }) =>
    kind?.$case === "trialDeferred" ? [{ trial: kind.value.trial, timeMs, reason: kind.value.reason }] : [],
  );

describe("a trial that can't start", () => {
  it("says so at once where no agent could run it, and once", async () => {
    at.proposals = once(start());
    const hand = at.hand("small", [], { slots: 1 });
    const { searchId } = await at.answer(at.create({ resources: { slots: 2 } }));
    const createdMs = at.coordinator.getSearch(searchId).createdMs;
    for (let second = 0; second < 20; second += 1) {
      hand.beat();
      await at.advance(1000);
    }
    const told = await deferrals(searchId);
    assert.deepEqual(
      told.map(({ trial, timeMs }) => [trial, timeMs - createdMs < 10]),
      [[0, true]],
    );
  });

  it("because all slots are busy says so after five seconds, and starts as soon as one is free", async () => {
    at.proposals = once(start(), start());
    const hand = at.hand("busy", [], { slots: 1 });
    const { searchId } = await at.answer(at.create());
    for (let second = 0; second < 5; second += 1) {
      hand.beat(...hand.leases);
      await at.advance(990);
      assert.deepEqual(await deferrals(searchId), []);
    }
    for (let second = 0; second < 10; second += 1) {
      hand.beat(...hand.leases);
      await at.advance(1000);
    }
    assert.deepEqual(
      (await deferrals(searchId)).map(({ trial }) => trial),
      [1],
    );
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await at.advance(5);
    assert.deepEqual(
      hand.leases.map(({ key }) => key?.trial),
      [0, 1],
    );
  });

  it("because it failed a moment ago waits for its time and is not started before", async () => {
    at.proposals = once(start());
    const hand = at.hand("a", [], { slots: 1 });
    await at.answer(at.create({ retries: { max: 3, backoff: "20s" } }));
    hand.finish(hand.leases[0], EndReason.END_REASON_LOST, { step: 0 });
    await at.advance(5);
    const failedMs = at.time.nowMs;
    while (hand.leases.length < 2 && at.time.nowMs - failedMs < 120_000) {
      hand.beat();
      await at.advance(100);
    }
    const waitedMs = at.time.nowMs - failedMs;
    // The backoff is drawn from its half to its whole.
    assert.ok(waitedMs >= 9_900 && waitedMs <= 30_500, `${waitedMs}`);
  });
});

describe("a trial at work", () => {
  it("begins with the same seed in each of its attempts, and another than other trials'", async () => {
    at.proposals = once(start(), start(), start(0.5, { seedNumber: 0 }), start(0.5, { arm: "control" }));
    const hand = at.hand("a", [], { slots: 4 });
    await at.answer(at.create({ parallelism: 4, retries: { max: 3, backoff: "1ms" }, seed: 7 }));
    assert.equal(hand.leases.length, 4);
    const [one, two, sameAsOne, other] = hand.leases.map(({ seed }) => seed);
    assert.equal(sameAsOne, one, "two that are compared may share a seed");
    assert.equal(new Set([one, two, other]).size, 3);
    hand.finish(hand.leases[0], EndReason.END_REASON_LOST, { step: 0 });
    for (let moment = 0; moment < 50; moment += 1) await at.advance(10);
    assert.deepEqual([hand.leases[4]?.key?.trial, hand.leases[4]?.seed], [0, one]);
    for (const { seed } of hand.leases) assert.ok(Number.isSafeInteger(seed) && seed > 2 ** 32, `${seed}`);
  });

  it("is stopped by name, paused by its search's pause, and both again for an agent that comes back", async () => {
    at.proposals = once(start(), start());
    const hand = at.hand("a", [], { slots: 2, instance: "one" });
    const { searchId } = await at.answer(at.create());
    await at.answer(at.coordinator.stopTrial(searchId, 0, "too slow"));
    assert.deepEqual(
      hand.stops.map(({ lease, reason, message }) => [lease?.trial, reason, message]),
      [[0, EndReason.END_REASON_STOPPED_EARLY, "too slow"]],
    );
    await at.answer(at.coordinator.pauseSearch(searchId, "lunch"));
    assert.deepEqual(
      hand.stops.slice(-1).map(({ lease, reason, message }) => [lease?.trial, reason, message]),
      [[1, EndReason.END_REASON_PREEMPTED, "lunch"]],
    );
    const again = at.hand(
      "a",
      hand.leases.map(({ key }) => key),
      { slots: 2, instance: "one" },
    );
    await at.advance(5);
    assert.deepEqual(
      again.stops.map(({ lease, reason }) => [lease?.trial, reason]),
      [
        [0, EndReason.END_REASON_STOPPED_EARLY],
        [1, EndReason.END_REASON_PREEMPTED],
      ],
    );
  });

  it("without a reason of the user's says who stopped it", async () => {
    at.proposals = once(start());
    const hand = at.hand("a", [], { slots: 1 });
    const { searchId } = await at.answer(at.create());
    const { trial } = await at.answer(at.coordinator.stopTrial(searchId, 0, ""));
    assert.equal(trial, 0);
    assert.equal(hand.stops[0]?.message, "stopped by its user");
    await assert.rejects(at.answer(at.coordinator.stopTrial(searchId, 5, "")), /no trial 5/);
    await assert.rejects(at.coordinator.getTrial(searchId, 5), /has no trial 5; it has 1 so far/);
    assert.equal((await at.answer(at.coordinator.stopSearch(searchId, ""))).reason, "stopped by its user");
  });
});

describe("a search with more facts than are read at once", () => {
  it("is the same after a restart, and continues", async () => {
    at.proposals = once(start(0.5, { untilStep: 5000 }));
    const hand = at.hand("a", [], { slots: 1, instance: "one" });
    const { searchId } = await at.answer(at.create({ budget: { trials: 1 } }));
    for (let step = 1; step <= 1200; step += 1) hand.measure(hand.leases[0], step, 1 + 1 / step);
    await at.advance(5);
    const before = at.coordinator.getSearch(searchId);
    const { trial } = await at.coordinator.getTrial(searchId, 0);
    assert.deepEqual([before.position, before.steps], [1203, 1200]);
    await at.close();
    await at.openVirtual();
    assert.deepEqual(at.coordinator.getSearch(searchId), before);
    assert.deepEqual((await at.coordinator.getTrial(searchId, 0)).trial, trial);
    const again = at.hand("a", [hand.leases[0]?.key], { slots: 1, instance: "one" });
    again.measure(hand.leases[0], 1201, 0.5);
    await at.advance(5);
    assert.deepEqual([at.coordinator.getSearch(searchId).position, again.acknowledged], [1204, 1]);
  });
});

describe("a search beside others", () => {
  it("is told what it used of late, by slot-seconds and weight", async () => {
    at.proposals = () => [start(0.5, { untilStep: 1000 }), start(0.5, { untilStep: 1000 }), start(0.5, { untilStep: 1000 })];
    const hand = at.hand("a", [], { slots: 4 });
    const [large, small] = [
      await at.answer(at.create({ parallelism: 3, weight: 3 })),
      await at.answer(at.create({ parallelism: 1 })),
    ];
    for (let second = 0; second < 60; second += 1) {
      hand.beat(...hand.leases);
      await at.advance(1000);
    }
    const share = async (searchId: string) => (await at.coordinator.explainSearch(searchId, undefined)).explanations[0]?.text;
    const late = "of the slot-seconds of the 2 searches of priority 0";
    assert.deepEqual(
      [await share(large.searchId), await share(small.searchId)],
      [
        `it uses 3 of 4 slots; its fair share is 3 (weight 3 of 4); of late it used 75 % ${late}`,
        `it uses 1 of 4 slots; its fair share is 1 (weight 1 of 4); of late it used 25 % ${late}`,
      ],
    );
  });
});
