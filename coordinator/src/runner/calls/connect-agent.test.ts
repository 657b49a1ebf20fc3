/** An agent's connection: what it reports counts once and in order, and a connection that is gone says and gets nothing. In virtual time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { defaults, EndReason, limits, type Report } from "@regulus/proto";
import fc from "fast-check";
import { type Hand, measurement } from "../testing/hand.js";
import { once, ScriptedCoordinator, start } from "../testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.openVirtual();
});
afterEach(() => at.close());

/** An agent that works on one trial, or on as many as it has slots for. */
async function begun(trials = 1, more: Record<string, unknown> = {}, slots = 2): Promise<{ hand: Hand; searchId: string }> {
  at.proposals = once(...Array.from({ length: trials }, () => start(0.5, { untilStep: 1000 })));
  const hand = at.hand("a", [], { instance: "one", slots: more.resources === undefined ? trials : slots });
  const { searchId } = await at.answer(at.create({ parallelism: trials, ...more }));
  await at.advance(1);
  assert.equal(hand.leases.length, trials);
  return { hand, searchId };
}

const kindsOf = async (searchId: string) => (await at.factsOf(searchId)).map(({ kind }) => kind?.$case);
const agents = () => at.coordinator.listAgents({ pageSize: 0, pageToken: "" }).agents;
const measuredAt = (hand: Hand, step: number): Report => ({
  lease: hand.leases[0]?.key,
  event: { $case: "measured", value: measurement(step, { loss: 1 / step }) },
});

/** Holds up every look into the store until it is let go, or failed. */
function holdStore(): { readonly go: () => void; readonly fail: () => void } {
  const { artifacts } = at;
  const look = artifacts.stat;
  let go: () => void = () => undefined;
  let fail: () => void = () => undefined;
  const gate = new Promise<void>((resolve, reject) => {
    go = resolve;
    fail = () => reject(new Error("the disk is away"));
  });
  Object.assign(artifacts, {
    stat: async (sha256: string) => {
      await gate;
      return look(sha256);
    },
  });
  return { go, fail };
}

describe("reports", () => {
  it("count once each, however they are repeated, and a gap ends the connection", async () => {
    const chunks = fc.array(fc.record({ back: fc.integer({ min: -1, max: 4 }), count: fc.nat(4) }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(chunks, async (said) => {
        await at.close();
        at = new ScriptedCoordinator();
        await at.openVirtual();
        const { hand, searchId } = await begun();
        let received = 0;
        for (const { back, count } of said) {
          const first = received + 1 - Math.min(back, received);
          const reports = Array.from({ length: count }, (_, index) => measuredAt(hand, first + index));
          hand.connection.reports({ firstSequence: first, reports });
          await at.advance(1);
          if (first > received + 1) {
            assert.match(hand.closedBecause ?? "", new RegExp(`reports ${received + 1} to ${first - 1} are missing`));
            assert.deepEqual(agents(), []);
            break;
          }
          received = Math.max(received, first + count - 1);
          assert.equal(hand.closedBecause, undefined);
          assert.equal(hand.acknowledged, received);
        }
        const steps = (await at.factsOf(searchId)).flatMap(({ kind }) =>
          kind?.$case === "trialMeasured" ? [kind.value.measurement?.step] : [],
        );
        assert.deepEqual(
          steps,
          Array.from({ length: received }, (_, index) => index + 1),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("wait behind a checkpoint that is being looked for, and are acknowledged in their order", async () => {
    const { hand, searchId } = await begun();
    const checkpoint = await at.put("two steps");
    const store = holdStore();
    hand.report(hand.leases[0], { $case: "checkpointed", value: { step: 2, checkpoint } });
    hand.measure(hand.leases[0], 3, 1);
    await at.advance(1);
    assert.deepEqual([hand.acknowledged, (await kindsOf(searchId)).includes("trialMeasured")], [0, false]);
    store.go();
    for (const _ of ["looked", "taken", "acknowledged"]) await at.advance(1);
    assert.deepEqual((await kindsOf(searchId)).slice(-2), ["trialCheckpointed", "trialMeasured"]);
    assert.equal(hand.acknowledged, 2);
    hand.measure(hand.leases[0], 4, 1);
    await at.advance(1);
    assert.equal(hand.acknowledged, 3, "what comes later waits for nothing");
  });

  it("of artifacts that can't be looked for end the connection, so that the agent repeats them", async () => {
    const { hand, searchId } = await begun();
    const checkpoint = await at.put("two steps");
    const store = holdStore();
    hand.report(hand.leases[0], { $case: "checkpointed", value: { step: 2, checkpoint } });
    store.fail();
    await at.advance(2);
    assert.match(hand.closedBecause ?? "", /artifacts could not be checked: .*the disk is away/);
    assert.deepEqual([hand.acknowledged, agents().length], [0, 0]);
    assert.ok(!(await kindsOf(searchId)).includes("trialCheckpointed"));
  });

  it("that come before a connection closes are taken only in a round before that", async () => {
    const { hand, searchId } = await begun();
    hand.measure(hand.leases[0], 1, 1);
    hand.connection.closed();
    hand.measure(hand.leases[0], 2, 1);
    await at.advance(1);
    assert.ok(!(await kindsOf(searchId)).includes("trialMeasured"));
    assert.equal(hand.acknowledged, 0);
  });

  it("keep an agent and its lease alive as heartbeats do", async () => {
    const { hand, searchId } = await begun();
    for (let second = 1; second <= 30; second += 1) {
      hand.measure(hand.leases[0], second, 1);
      await at.advance(1000);
    }
    assert.equal(hand.closedBecause, undefined);
    assert.ok(!(await kindsOf(searchId)).includes("attemptEnded"));
    assert.ok(at.time.nowMs - (agents()[0]?.heardMs ?? 0) <= 1000, "and clients see when it was heard of");
  });

  it("of one attempt keep no other one alive", async () => {
    const { hand, searchId } = await begun(2);
    for (let second = 1; second <= 15; second += 1) {
      hand.measure(hand.leases[0], second, 1);
      await at.advance(1000);
    }
    const ended = (await at.factsOf(searchId)).flatMap(({ kind }) => (kind?.$case === "attemptEnded" ? [kind.value.trial] : []));
    assert.deepEqual(ended, [1]);
  });
});

describe("an agent", () => {
  it("is told how often to be heard of, and how long it may be silent", async () => {
    const hand = at.hand("a");
    await at.advance(1);
    const [first] = hand.messages;
    assert.deepEqual(first?.message, {
      $case: "registered",
      value: { version: "", heartbeatEveryMs: defaults.heartbeatEveryMs, leaseTimeoutMs: 10_000, revoked: [] },
    });
  });

  it("that hung up before it was taken is never there", async () => {
    at.hand("brief").connection.closed();
    await at.advance(1);
    assert.deepEqual(agents(), []);
    assert.ok(!at.notices.some(({ message }) => message === "agent joined"));
  });

  it("of another protocol, or without an id, is refused", () => {
    const register = { protocol: 2, agent: undefined, active: [], instance: "" };
    const connect = (protocol: number) => () =>
      at.coordinator.connectAgent(
        { ...register, protocol },
        () => undefined,
        () => undefined,
      );
    assert.throws(connect(2), /speaks protocol 2, this coordinator 1/);
    assert.throws(connect(1), /agent\.agentId: saw nothing/);
  });

  it("past the most that one coordinator takes is refused, but not one that is known", async () => {
    for (let number = 0; number < limits.agentsMax; number += 1) at.hand(`a${number}`);
    await at.advance(1);
    assert.throws(() => at.hand("one more"), /10000 agents are connected, which is the most/);
    const again = at.hand("a7");
    await at.advance(1);
    assert.equal(again.closedBecause, undefined);
    again.connection.closed();
    at.hand("one more");
    await at.advance(1);
    assert.equal(at.coordinator.gauges.agentsConnected, limits.agentsMax);
  });

  it("that ended an attempt is not told to stop it, and its slot is free at once", async () => {
    const { hand } = await begun(1, { budget: { trials: 2 } });
    at.proposals = () => [start()];
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await at.advance(1);
    assert.deepEqual([hand.stops, hand.leases.length], [[], 2]);
  });

  it("that says of an attempt that was taken from it that it is over has its slot free at once", async () => {
    const { hand } = await begun(1, { resources: { slots: 2 } });
    await at.answer(at.coordinator.pauseSearch(hand.leases[0]?.key?.searchId ?? "", ""));
    // Past both graces: the attempt is taken from it, and its slot stays with it.
    for (let second = 0; second < 45; second += 1) {
      hand.beat(hand.leases[0]);
      await at.advance(1000);
    }
    assert.deepEqual([agents()[0]?.slotsUsed, at.coordinator.gauges.trialsRunning], [2, 0]);
    const refused = at.coordinator.gauges.reportsRefusedTotal;
    const stops = hand.stops.length;
    hand.measure(hand.leases[0], 5, 1);
    await at.advance(1);
    assert.equal(hand.stops.length, stops + 1, "what it measures is refused, and it is told why");
    hand.finish(hand.leases[0], EndReason.END_REASON_PREEMPTED);
    await at.advance(1);
    assert.equal(agents()[0]?.slotsUsed, 0);
    assert.deepEqual([hand.stops.length, at.coordinator.gauges.reportsRefusedTotal], [stops + 1, refused + 2]);
    await at.answer(at.coordinator.resumeSearch(hand.leases[0]?.key?.searchId ?? ""));
    await at.advance(1);
    assert.equal(hand.leases.at(-1)?.key?.attempt, 2);
  });

  it("that comes back without an attempt that was taken from it has all of its slots", async () => {
    const { hand, searchId } = await begun();
    await at.answer(at.coordinator.pauseSearch(searchId, ""));
    for (let second = 0; second < 45; second += 1) {
      hand.beat(hand.leases[0]);
      await at.advance(1000);
    }
    await at.answer(at.coordinator.resumeSearch(searchId));
    assert.equal(agents()[0]?.slotsUsed, 1);
    const again = at.hand("a", [], { instance: "two", slots: 1 });
    await at.advance(1);
    assert.deepEqual(
      again.leases.map(({ key }) => key?.attempt),
      [2],
    );
  });

  it("that drains keeps what it has, gets nothing new, and gets work again once it comes back", async () => {
    const { hand } = await begun(1, { budget: { trials: 3 } });
    at.proposals = () => [start()];
    hand.connection.draining("maintenance");
    await at.advance(1);
    assert.deepEqual([agents()[0]?.draining, hand.stops], [true, []]);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await at.advance(1000);
    assert.equal(hand.leases.length, 1);
    const again = at.hand("a", [], { instance: "two", slots: 1 });
    await at.advance(1);
    assert.deepEqual([agents()[0]?.draining, again.leases.length], [false, 1]);
  });

  it("whose place was taken by a newer connection of its own is not heard any more", async () => {
    const { hand, searchId } = await begun();
    const again = at.hand("a", [hand.leases[0]?.key], { instance: "one", slots: 1 });
    await at.advance(1);
    assert.match(hand.closedBecause ?? "", /a newer connection/);
    hand.measure(hand.leases[0], 1, 1);
    hand.connection.draining("late");
    await at.advance(1);
    assert.ok(!(await kindsOf(searchId)).includes("trialMeasured"));
    assert.equal(agents()[0]?.draining, false);
    again.measure(hand.leases[0], 1, 1);
    await at.advance(1);
    assert.ok((await kindsOf(searchId)).includes("trialMeasured"));
    // Only the newer one's heartbeats count.
    for (let second = 0; second < 15; second += 1) {
      hand.beat(hand.leases[0]);
      await at.advance(1000);
    }
    assert.ok((await kindsOf(searchId)).includes("attemptEnded"));
  });
});
