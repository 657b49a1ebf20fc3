/** Reading while the log takes nothing: what is durable is answered all the time, and nothing else ever shows. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, ListSearchesRequest, ListTrialsRequest, RegulusError, SearchStatus } from "@regulus/proto";
import { type Hand, measurement } from "../testing/hand.js";
import { ScriptedCoordinator, start, until } from "../testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

/** All that clients read of a search at once. */
async function readAll(searchId: string) {
  const { coordinator } = at;
  const { searches } = coordinator.listSearches(ListSearchesRequest.fromPartial({}));
  const { trials } = coordinator.listTrials(ListTrialsRequest.fromPartial({ searchId }));
  const exported = [];
  for await (const piece of coordinator.exportSearch(searchId)) exported.push(piece);
  const { explanations } = await coordinator.explainSearch(searchId, undefined);
  const listed = searches.find((search) => search.searchId === searchId);
  return {
    search: coordinator.getSearch(searchId),
    listed,
    trials,
    trial: await coordinator.getTrial(searchId, 0),
    exported,
    explanations,
  };
}

it("leases outlive an outage that is longer than their timeout: agents get the whole of it to come back in", async () => {
  await at.close();
  const leaseTimeoutMs = 10_000;
  await at.openVirtual(leaseTimeoutMs);
  at.proposals = () => [start()];
  const first = at.hand();
  const { searchId } = await at.answer(at.create({ budget: { trials: 1 } }));
  await at.advance(10);
  const [lease] = first.leases;
  assert.ok(lease?.key);
  at.appendFault = new RegulusError("unavailable", "the disk is away");
  // Each failure doubles the wait for the next try: from the last one on, nobody is heard for longer than a lease lasts.
  const pause = () => at.answer(at.coordinator.pauseSearch(searchId, "")).catch(() => undefined);
  let quietMs = 0;
  for (let failures = 0; quietMs <= 1.5 * leaseTimeoutMs; ) {
    assert.ok(at.failures.length < 20, "the waits grow");
    await pause();
    if (at.failures.length > failures) quietMs = 0;
    failures = at.failures.length;
    await at.advance(100);
    quietMs += 100;
  }
  at.appendFault = undefined;
  let second: Hand | undefined;
  const comeBack = (): Hand | undefined => {
    try {
      return at.hand("hand", [lease.key]);
    } catch {
      return undefined;
    }
  };
  while (second === undefined) {
    await at.advance(100);
    second = comeBack();
  }
  second.connection.closed();
  // It is away once more, for almost as long as a lease lasts.
  await at.advance(leaseTimeoutMs - 1000);
  at.hand("hand", [lease.key]).finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
  await at.advance(10);
  const facts = (await at.factsOf(searchId)).map(({ kind }) => kind?.$case);
  assert.ok(!facts.includes("attemptEnded"), facts.join());
  assert.equal(at.coordinator.getSearch(searchId).status, SearchStatus.SEARCH_STATUS_ENDED);
});

describe("reads after a round that the log did not take", () => {
  it("answer what is durable, while the log is read again and after it, and a search that was never created is nowhere", async () => {
    at.proposals = () => [start()];
    const hand = at.hand();
    const quiet = await at.create({ budget: { trials: 1 } });
    await until("a lease", () => hand.leases.length === 1);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => at.coordinator.getSearch(quiet.searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const busy = await at.create({ budget: { trials: 1 } });
    await until("another lease", () => hand.leases.length === 2);
    const [quietBefore, busyBefore] = [await readAll(quiet.searchId), at.coordinator.getSearch(busy.searchId)];

    at.appendFault = new RegulusError("exhausted", "no space for the log");
    let open = (): void => undefined;
    at.readGate = new Promise((resolve) => {
      open = resolve;
    });
    const published = at.published.length;
    const refusals = [at.coordinator.pauseSearch(busy.searchId, "full"), at.create({}, "never")];
    for (const refusal of refusals) await assert.rejects(refusal, /can't be written, nothing was changed/);
    const { searchId } = busy;
    const durable = async () => {
      assert.deepEqual(await readAll(quiet.searchId), quietBefore);
      assert.deepEqual(at.coordinator.getSearch(searchId), busyBefore);
      const { searches } = at.coordinator.listSearches(ListSearchesRequest.fromPartial({}));
      assert.deepEqual(new Set(searches.map((search) => search.searchId)), new Set([quiet.searchId, searchId]));
    };
    await durable();
    assert.equal(at.published.length, published, "the feed hears of nothing that is not durable");
    // Its trials as of before are not known until it is read again.
    const trials = () => at.coordinator.listTrials(ListTrialsRequest.fromPartial({ searchId })).trials;
    assert.throws(trials, /is read from the log again, after a write that the log refused; try again in a moment/);
    open();
    await until("the log to be read", () => {
      try {
        return trials().length === 1;
      } catch {
        return false;
      }
    });
    await durable();
    assert.ok((await readAll(searchId)).trial.trial);
    for (const id of [quiet.searchId, searchId])
      assert.deepEqual(
        at.published.filter((fact) => fact.searchId === id).map(({ position, kind }) => [position, kind?.$case]),
        (await at.factsOf(id)).map(({ position, kind }) => [position, kind?.$case]),
        "and of everything that is, once and in order",
      );
  });
});
