/** Agents on which every trial of a search fails, against programs and configurations that fail everywhere. In virtual time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, type Lease } from "@regulus/proto";
import { SearchState } from "../search/search-state.js";
import { type Hand, measurement } from "./testing/hand.js";
import { ScriptedCoordinator, start } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;
let hands: Map<string, Hand>;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.openVirtual();
  hands = new Map();
});
afterEach(() => at.close());

/** An agent of two slots, whose trials take a second to work and a tenth of it to fail. */
function agent(agentId: string, fails: (lease: Lease) => boolean): void {
  const onLease = (lease: Lease) => {
    const failing = fails(lease);
    at.time.after(failing ? 100 : 1000, () => {
      // In two ways, or a search would end as failed after its first three trials.
      const message = (lease.key?.trial ?? 0) % 2 === 0 ? "can't open train.py" : "out of licences";
      if (failing) hands.get(agentId)?.finish(lease, EndReason.END_REASON_USER_ERROR, { message });
      else hands.get(agentId)?.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    });
  };
  hands.set(agentId, at.hand(agentId, [], { instance: agentId, onLease }));
}

async function ended(trials: number, more: Record<string, unknown> = {}) {
  at.proposals = () => Array.from({ length: 16 }, () => start());
  const { searchId } = await at.answer(at.create({ parallelism: trials, budget: { trials, failures: 100 }, ...more }));
  for (let second = 0; second < 60 && at.coordinator.getSearch(searchId).endedMs === 0; second += 1) {
    for (const hand of hands.values()) hand.beat(...hand.leases);
    await at.advance(1000);
  }
  const facts = await at.factsOf(searchId);
  const avoided = facts.flatMap(({ kind, timeMs }) => (kind?.$case === "agentAvoided" ? [{ ...kind.value, timeMs }] : []));
  const attempts = facts.filter(({ kind }) => kind?.$case === "attemptStarted").length;
  const [first, ...rest] = facts;
  const state = new SearchState(first ?? assert.fail("facts"));
  for (const fact of rest) state.tell(fact);
  return { search: at.coordinator.getSearch(searchId), avoided, attempts, facts, state };
}

const isBad = () => true;
const isGood = () => false;

describe("an agent on which every trial of a search fails", () => {
  it("is kept off, and its failures are tried elsewhere: every trial is done", async () => {
    for (const [agentId, fails] of [
      ["bad", isBad],
      ["one", isGood],
      ["two", isGood],
    ] as const)
      agent(agentId, fails);
    const { search, avoided, attempts, facts, state } = await ended(20);
    assert.deepEqual([search.counts?.done, search.counts?.failed], [20, 0]);
    assert.equal(attempts, 22, "two of them on the bad agent, which are what proves it wrong");
    assert.deepEqual(
      avoided.map(({ agentId, untilMs, timeMs }) => [agentId, untilMs - timeMs]),
      [["bad", 600_000]],
    );
    assert.match(
      avoided[0]?.message ?? "",
      /^2 trials in a row ended there as user errors, and trial \d+, which was one of them, works on agent/,
    );
    const endMs = facts.at(-1)?.timeMs ?? 0;
    assert.deepEqual([state.agentRecords.keptOff(endMs), state.agentRecords.keptOff(endMs + 600_000)], [["bad"], []]);
    assert.equal(at.coordinator.gauges.agentsAvoidedTotal, 1);
    const { explanations } = await at.coordinator.explainSearch(search.searchId, undefined);
    assert.ok(explanations.some(({ text }) => /keeps off agent bad until 20.*ended there as user errors/.test(text)));
  });

  it("counts at once where there is no other agent", async () => {
    agent("bad", isBad);
    const { search, avoided, attempts } = await ended(4);
    assert.deepEqual([search.counts?.failed, attempts, avoided.length], [4, 4, 0]);
  });

  it("counts at once where the search tries nothing again", async () => {
    agent("bad", isBad);
    agent("good", isGood);
    const { search, attempts } = await ended(8, { retries: { max: 0 } });
    assert.equal(attempts, 8);
    assert.ok((search.counts?.failed ?? 0) > 0);
  });

  it("gets trials again where the last other one leaves", async () => {
    agent("bad", isBad);
    agent("good", isGood);
    at.proposals = () => Array.from({ length: 16 }, () => start());
    const { searchId } = await at.answer(at.create({ parallelism: 30, budget: { trials: 30, failures: 100 } }));
    await at.advance(2500);
    hands.get("good")?.connection.closed();
    hands.delete("good");
    for (let second = 0; second < 60; second += 1) {
      hands.get("bad")?.beat();
      await at.advance(1000);
    }
    assert.notEqual(at.coordinator.getSearch(searchId).endedMs, 0, "failures count, and nothing waits for ever");
  });
});

describe("what fails everywhere", () => {
  it("is the user's error after a second agent said so, three times; then at once", async () => {
    for (const agentId of ["one", "two"]) agent(agentId, isBad);
    const { search, avoided, attempts } = await ended(12, { parallelism: 1 });
    assert.deepEqual([search.counts?.failed, avoided.length], [12, 0]);
    assert.equal(attempts, 12 + 3);
  });

  it("because of its configuration blames no agent on which others work", async () => {
    const seen = (lease: Lease) => (lease.key?.trial ?? 0) % 3 === 2;
    for (const agentId of ["one", "two"]) agent(agentId, seen);
    const { search, avoided, attempts } = await ended(12, { parallelism: 2 });
    assert.deepEqual([search.counts?.done, search.counts?.failed, avoided.length], [8, 4, 0]);
    assert.ok(attempts <= 12 + 2, `only before both agents have worked: ${attempts}`);
  });
});
