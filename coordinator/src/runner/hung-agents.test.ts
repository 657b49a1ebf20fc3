/** Agents that hang, lie, or come back: what the coordinator does by its own clock, in virtual time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, SearchOutcome, SearchStatus, TrialStatus } from "@regulus/proto";
import type { Hand } from "./testing/hand.js";
import { once, ScriptedCoordinator, start } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.openVirtual();
});
afterEach(() => at.close());

/** Lets time pass while an agent claims to work on all that it ever got. */
async function claim(hand: Hand, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    hand.beat(...hand.leases);
    await at.advance(1000);
  }
}

const search = (searchId: string) => at.coordinator.getSearch(searchId);
const freeSlots = () =>
  at.coordinator
    .listAgents({ pageSize: 0, pageToken: "" })
    .agents.reduce((sum, { slots, slotsUsed }) => sum + slots - slotsUsed, 0);
const endsOf = async (searchId: string) =>
  (await at.factsOf(searchId)).flatMap(({ kind }) => (kind?.$case === "attemptEnded" ? [kind.value] : []));

/** Runs one trial on an agent. */
async function running(more: Record<string, unknown> = {}, instance = "one") {
  at.proposals = once(start());
  const hand = at.hand("hung", [], { instance, slots: 1 });
  const { searchId } = await at.answer(at.create(more));
  assert.equal(hand.leases.length, 1);
  return { hand, searchId };
}

describe("an agent that sends a large checkpoint after it was asked to stop", () => {
  /** Pauses a search whose trial then saves; `moves` says whether bytes go out in a second. */
  async function saves(seconds: number, moves: (second: number) => boolean) {
    const { hand, searchId } = await running();
    await at.answer(at.coordinator.pauseSearch(searchId, "lunch"));
    for (let second = 0; second < seconds; second += 1) {
      if (moves(second)) hand.artifactBytes += 1_000_000;
      hand.beat(...hand.leases);
      await at.advance(1000);
    }
    return { hand, searchId };
  }

  it("keeps its attempt while bytes go out, and the checkpoint counts", async () => {
    const { hand, searchId } = await saves(300, () => true);
    assert.deepEqual(await endsOf(searchId), []);
    const checkpoint = await at.put("large");
    hand.report(hand.leases[0], { $case: "checkpointed", value: { step: 4, checkpoint } });
    hand.finish(hand.leases[0], EndReason.END_REASON_PREEMPTED, { step: 4 });
    // The store is asked first, which takes turns of the event loop and no virtual time.
    for (let turn = 0; turn < 20; turn += 1) await at.advance(1);
    const { trial } = await at.answer(at.coordinator.getTrial(searchId, 0));
    assert.deepEqual(trial?.checkpoint, checkpoint);
    assert.equal((await endsOf(searchId))[0]?.reason, EndReason.END_REASON_PREEMPTED);
  });

  it("loses it soon after nothing goes out any more", async () => {
    const stalled = await saves(100, (second) => second < 50);
    assert.equal((await endsOf(stalled.searchId))[0]?.reason, EndReason.END_REASON_LOST);
  });

  it("loses it after a bound, whatever goes out", async () => {
    const endless = await saves(22 * 60, () => true);
    assert.equal((await endsOf(endless.searchId))[0]?.reason, EndReason.END_REASON_LOST);
  });
});

describe("an agent that sends heartbeats and never works", () => {
  it("loses an attempt that is past its time, is not given another one while it claims the first, and the trial continues elsewhere", async () => {
    const { hand, searchId } = await running({ resources: { attemptTimeout: "20s" } });
    await claim(hand, 59);
    assert.deepEqual(await endsOf(searchId), [], "20 s, 10 s of grace for the program and 30 s for the agent are not over");
    await claim(hand, 10);
    const [end] = await endsOf(searchId);
    assert.equal(end?.reason, EndReason.END_REASON_TIMED_OUT);
    assert.match(end?.message ?? "", /longer than 20s \(resources\.attemptTimeout\), and agent hung did not end it/);
    await claim(hand, 30);
    assert.equal(hand.leases.length, 1);
    assert.equal(freeSlots(), 0, "what it claims is not free");
    assert.ok(hand.stops.length > 10, "it is told again and again");
    const other = at.hand("other");
    await at.advance(1);
    assert.deepEqual(
      other.leases.map(({ key }) => key?.attempt),
      [2],
    );
    hand.beat();
    await at.advance(1);
    assert.equal(freeSlots(), 2, "it is free once it no longer claims it");
  });

  it("holds up neither the stop of a trial nor the stop and deletion of a search", async () => {
    for (const stop of ["trial", "search", "reached"] as const) {
      await at.close();
      at = new ScriptedCoordinator();
      await at.openVirtual();
      const { hand, searchId } = await running();
      // One that reached its step is not asked to stop, only to say so; this one never does.
      if (stop === "reached") hand.measure(hand.leases[0], 10, 1);
      await at.answer<unknown>(
        stop === "trial" ? at.coordinator.stopTrial(searchId, 0, "") : at.coordinator.stopSearch(searchId, ""),
      );
      await claim(hand, 39);
      assert.equal(search(searchId).counts?.running, 1, "it has the grace of its program and its own");
      await claim(hand, 10);
      const { trial } = await at.coordinator.getTrial(searchId, 0);
      assert.equal(trial?.status, TrialStatus.TRIAL_STATUS_ENDED);
      assert.equal(trial?.reason, EndReason.END_REASON_STOPPED_EARLY);
      assert.match(trial?.message ?? "", /agent hung was asked to stop it and did not within 40000 ms/);
      assert.equal(search(searchId).status, SearchStatus.SEARCH_STATUS_ENDED);
      if (stop === "search") assert.equal(search(searchId).outcome, SearchOutcome.SEARCH_OUTCOME_STOPPED);
      await at.answer(at.coordinator.deleteSearch(searchId));
    }
  });

  it("gives its slot to a paused search's trial elsewhere once that continues", async () => {
    const { hand, searchId } = await running();
    await at.answer(at.coordinator.pauseSearch(searchId, ""));
    await claim(hand, 50);
    assert.deepEqual([search(searchId).counts?.running, search(searchId).counts?.pending], [0, 1]);
    await at.answer(at.coordinator.resumeSearch(searchId));
    const other = at.hand("other");
    await at.advance(5000);
    assert.equal(other.leases.length, 1);
  });

  it("keeps its time while the coordinator's machine sleeps or its clock is set", async () => {
    const { hand, searchId } = await running({ resources: { attemptTimeout: "20s" } });
    await claim(hand, 5);
    at.clock.shiftMs += 3_600_000;
    await claim(hand, 5);
    at.clock.shiftMs -= 7_200_000;
    await claim(hand, 40);
    assert.deepEqual(await endsOf(searchId), []);
    await claim(hand, 20);
    assert.equal((await endsOf(searchId)).length, 1, "and not for ever");
  });
});

describe("leases", () => {
  it("are lost after their timeout though the clock was set back an hour", async () => {
    const { hand, searchId } = await running();
    at.clock.shiftMs -= 3_600_000;
    await at.advance(30_000);
    const [end] = await endsOf(searchId);
    assert.match(end?.message ?? "", /agent hung did not name it for \d+ ms/);
    assert.match(hand.closedBecause ?? "", /nothing was heard of the agent/);
    const other = at.hand("other");
    await at.advance(5000);
    assert.equal(other.leases.length, 1, "and the retry that was due comes");
  });

  it("are not kept alive by an agent that names an older attempt at the same trial", async () => {
    const { hand, searchId } = await running();
    const [first] = hand.leases;
    await at.advance(20_000);
    const again = at.hand("hung", [], { instance: "two", slots: 1 });
    await at.advance(2000);
    assert.equal(again.leases[0]?.key?.attempt, 2);
    for (let second = 0; second < 15; second += 1) {
      again.beat(first);
      await at.advance(1000);
    }
    assert.deepEqual(again.stops.map(({ lease }) => lease?.attempt).filter((attempt) => attempt === 1).length, 15);
    assert.deepEqual(
      (await endsOf(searchId)).map(({ attempt }) => attempt),
      [1, 2],
    );
  });
});

describe("an agent that comes back", () => {
  it("as a new process without its attempts loses them at once", async () => {
    const { hand, searchId } = await running();
    hand.connection.closed();
    const again = at.hand("hung", [], { instance: "two", slots: 1 });
    await at.advance(1);
    const [end] = await endsOf(searchId);
    assert.match(end?.message ?? "", /agent hung came back without it/);
    await at.advance(1500);
    assert.equal(again.leases[0]?.key?.attempt, 2);
  });

  it("as the same process gets a lease that never reached it once more, and loses one that it had measured", async () => {
    const { hand, searchId } = await running();
    hand.connection.closed();
    const again = at.hand("hung", [], { instance: "one", slots: 1 });
    await at.advance(1);
    assert.deepEqual([again.leases[0]?.key?.attempt, (await endsOf(searchId)).length], [1, 0]);
    again.measure(again.leases[0], 5, 1);
    await at.advance(1);
    again.connection.closed();
    at.hand("hung", [], { instance: "one", slots: 1 });
    await at.advance(1);
    assert.equal((await endsOf(searchId)).length, 1);
  });

  it("keeps what it names, over a restart of the coordinator too", async () => {
    const { hand, searchId } = await running();
    hand.measure(hand.leases[0], 5, 1);
    await at.advance(1);
    await at.close();
    await at.openVirtual();
    const again = at.hand("hung", [hand.leases[0]?.key], { instance: "one", slots: 1 });
    for (let second = 0; second < 20; second += 1) {
      again.beat(hand.leases[0]);
      await at.advance(1000);
    }
    assert.deepEqual([search(searchId).counts?.running, (await endsOf(searchId)).length, again.stops.length], [1, 0, 0]);
  });

  it("with attempts that were taken from it gets no new ones before it ended them", async () => {
    const { hand, searchId } = await running();
    const [old] = hand.leases;
    hand.measure(old, 5, 1);
    hand.connection.closed();
    await at.advance(20_000);
    const again = at.hand("hung", [old?.key], { instance: "one", slots: 1 });
    await at.advance(3000);
    const registered = again.messages.flatMap(({ message }) => (message?.$case === "registered" ? message.value.revoked : []));
    assert.equal(registered.length, 1);
    assert.equal(again.leases.length, 0);
    again.beat();
    await at.advance(1);
    assert.equal(again.leases[0]?.key?.attempt, 2);
    assert.equal((await endsOf(searchId)).length, 1, "and it had nothing to refuse");
  });

  it("that gives a lease back unasked gets no other one before it is heard of again", async () => {
    const { hand } = await running();
    hand.finish(hand.leases[0], EndReason.END_REASON_PREEMPTED, { message: "1 slot asked for, 0 free" });
    await at.advance(5000);
    assert.equal(hand.leases.length, 1);
    hand.beat();
    await at.advance(1);
    assert.equal(hand.leases.length, 2);
  });

  it("on a new connection is not forgotten when the old one closes", async () => {
    const first = at.hand("twice");
    const second = at.hand("twice");
    await at.advance(1);
    assert.ok(first.closedBecause !== undefined);
    first.connection.closed();
    at.proposals = once(start());
    void at.create();
    await at.advance(1);
    assert.equal(second.leases.length, 1);
  });
});

describe("notices for the log", () => {
  it("say who came and went, and which leases were taken back", async () => {
    const { hand, searchId } = await running();
    hand.connection.draining("the machine is needed");
    await at.advance(1);
    hand.connection.closed();
    await at.advance(20_000);
    at.hand("silent");
    await at.advance(20_000);
    const words = at.notices.map(({ message, fields }) => `${fields.agentId}: ${message.replace(/\d+ ms/, "some ms")}`);
    assert.deepEqual(words, [
      "hung: agent joined",
      "hung: agent takes no more leases: the machine is needed",
      "hung: agent left",
      "hung: lease lost: agent hung did not name it for some ms",
      "silent: agent joined",
      "silent: lease lost: agent silent did not name it for some ms",
      "silent: agent left: nothing was heard of it for some ms",
    ]);
    const lost = at.notices.find(({ message }) => message.startsWith("lease lost"));
    assert.deepEqual(lost?.fields, {
      search: searchId,
      trial: 0,
      attempt: 1,
      agentId: "hung",
      reason: EndReason.END_REASON_LOST,
    });
  });
});
