import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, RegulusError, SearchStatus } from "@regulus/proto";
import { once, ScriptedCoordinator, start, until } from "../testing/scripted-coordinator.js";

let at: ScriptedCoordinator;
beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

/** A search that is over. */
async function ended(idempotencyKey = ""): Promise<string> {
  const { searchId } = await at.create({}, idempotencyKey);
  await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
  return searchId;
}

/** A promise and what resolves it. */
function gateOf(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function isThere(searchId: string): boolean {
  try {
    return at.coordinator.getSearch(searchId) !== undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof RegulusError);
    return thrown.code !== "not-found";
  }
}

describe("removals", () => {
  it("leave a search as it is where the log fails, so that it never comes back by itself", async () => {
    const searchId = await ended("key");
    at.removeFault = new RegulusError("exhausted", "no space for the log");
    await assert.rejects(at.coordinator.deleteSearch(searchId), (thrown) => {
      return thrown instanceof RegulusError && thrown.code === "exhausted" && /nothing was changed/.test(thrown.message);
    });
    assert.equal(at.coordinator.getSearch(searchId).searchId, searchId);
    assert.equal((await at.create({}, "key")).searchId, searchId);
    at.removeFault = undefined;
    await at.coordinator.deleteSearch(searchId);
    assert.ok(!isThere(searchId));
    await at.close();
    await at.open();
    assert.ok(!isThere(searchId));
    assert.notEqual((await at.create({}, "key")).searchId, searchId);
  });

  it("answer once the log has removed it, and everybody who asked", async () => {
    const searchId = await ended();
    const gate = gateOf();
    at.removeGate = gate.promise;
    let answers = 0;
    const asked = [1, 2].map(() =>
      at.coordinator.deleteSearch(searchId).then(() => {
        answers += 1;
      }),
    );
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([answers, isThere(searchId)], [0, true]);
    gate.resolve();
    await Promise.all(asked);
    assert.deepEqual([answers, isThere(searchId)], [2, false]);
    await assert.rejects(at.coordinator.deleteSearch(searchId), /there is no search/);
  });

  it("are waited for when the log is read again, so that what is being removed is not taken up", async () => {
    const searchId = await ended();
    const gate = gateOf();
    at.removeGate = gate.promise;
    const removed = at.coordinator.deleteSearch(searchId);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    at.appendFault = new RegulusError("unavailable", "the disk is away");
    await assert.rejects(at.create(), /can't be written/);
    at.appendFault = undefined;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    await removed;
    await until("the log to be read again", () => !isThere(searchId));
    assert.deepEqual(await at.log.searches(), []);
  });

  it("are waited for by a coordinator that closes, since its log is closed next", async () => {
    const searchId = await ended();
    const gate = gateOf();
    at.removeGate = gate.promise;
    const removed = at.coordinator.deleteSearch(searchId);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    let isClosed = false;
    const closed = at.coordinator.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isClosed);
    gate.resolve();
    await Promise.all([removed, closed]);
  });

  it("that failed leave a search that can be opened again", async () => {
    at.proposals = once(start());
    const hand = at.hand();
    const { searchId } = await at.create({ budget: { trials: 1 } });
    await until("a lease", () => hand.leases.length === 1);
    hand.finish(hand.leases[0], EndReason.END_REASON_USER_ERROR);
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    at.removeFault = new RegulusError("unavailable", "the disk is away");
    await assert.rejects(at.coordinator.deleteSearch(searchId), /can't be written/);
    assert.equal(at.failures.length, 1);
    const { trials } = await at.coordinator.retryTrials({ searchId, trials: [], idempotencyKey: "" });
    assert.deepEqual(trials, [0]);
  });
});
