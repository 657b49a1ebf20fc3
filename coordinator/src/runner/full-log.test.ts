/** A log that is full: searches are stopped and deleted all the same, nothing else is taken, and what goes on later knows of it. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, RegulusError, type Search, SearchOutcome, SearchStatus, TrialStatus } from "@regulus/proto";
import fc from "fast-check";
import { type Hand, measurement } from "./testing/hand.js";
import { ScriptedCoordinator, start } from "./testing/scripted-coordinator.js";

const { SEARCH_STATUS_ENDED: ended, SEARCH_STATUS_RUNNING: running } = SearchStatus;
const withCode = (code: string) => (thrown: unknown) => thrown instanceof RegulusError && thrown.code === code;

describe("on a full log", () => {
  let at: ScriptedCoordinator;
  let hand: Hand;
  beforeEach(async () => {
    at = new ScriptedCoordinator();
    await at.openVirtual();
    at.proposals = () => [start()];
    hand = at.hand("hand", [], { slots: 4 });
  });
  afterEach(async () => {
    at.isFull = false;
    await at.answer(at.close());
  });

  const created = async (): Promise<Search> => {
    const search = await at.answer(at.create({ parallelism: 1, budget: { trials: 50 } }));
    await at.advance(10);
    return search;
  };
  const seen = (searchId: string) => at.coordinator.getSearch(searchId);
  const stop = (searchId: string) => at.answer(at.coordinator.stopSearch(searchId, "no room"));
  const remove = (searchId: string) => at.answer(at.coordinator.deleteSearch(searchId));

  it("a stop ends its search at once, a delete removes it, and everything else is refused", async () => {
    const [first, second] = [await created(), await created()];
    at.isFull = true;
    await assert.rejects(at.answer(at.create()), withCode("exhausted"));
    assert.match(hand.closedBecause ?? "", /can't be written/);
    const stopped = await stop(first.searchId);
    assert.deepEqual([stopped.status, stopped.outcome], [ended, SearchOutcome.SEARCH_OUTCOME_STOPPED]);
    for (const refused of [
      () => at.create(),
      () => at.coordinator.pauseSearch(second.searchId, ""),
      () => at.coordinator.resumeSearch(second.searchId),
    ])
      await assert.rejects(at.answer(refused()), withCode("exhausted"));
    assert.throws(() => at.hand("other"), withCode("exhausted"));
    await remove(first.searchId);
    assert.throws(() => seen(first.searchId), withCode("not-found"));
    assert.equal(seen(second.searchId).status, running);
    assert.deepEqual(await at.log.searches(), [second.searchId]);
  });

  it("a stop that meets the full disk first is done after the log is read again", async () => {
    const { searchId } = await created();
    at.isFull = true;
    const [stopped, other] = [at.coordinator.stopSearch(searchId, "mine"), at.create()];
    await assert.rejects(at.answer(other), withCode("exhausted"));
    assert.equal((await at.answer(stopped)).status, ended);
    assert.match(seen(searchId).reason, /mine/);
  });

  it("a search that was stopping already ends when it is stopped once more", async () => {
    const { searchId } = await created();
    assert.equal((await stop(searchId)).status, SearchStatus.SEARCH_STATUS_STOPPING);
    at.isFull = true;
    await assert.rejects(at.answer(at.create()), withCode("exhausted"));
    assert.equal((await stop(searchId)).status, ended);
    await remove(searchId);
  });

  it("a search that somebody stopped before ends by itself as soon as the full disk is noticed", async () => {
    const { searchId } = await created();
    await stop(searchId);
    at.isFull = true;
    await assert.rejects(at.answer(at.create()), withCode("exhausted"));
    await at.advance(10);
    assert.equal(seen(searchId).status, ended);
  });

  it("a stopped trial ends at once, and its search continues when there is room", async () => {
    const { searchId } = await created();
    at.isFull = true;
    const trial = await at.answer(at.coordinator.stopTrial(searchId, 0, "no use"));
    assert.deepEqual([trial.status, trial.reason], [TrialStatus.TRIAL_STATUS_ENDED, EndReason.END_REASON_STOPPED_EARLY]);
    at.isFull = false;
    await at.advance(60_000);
    const [lease] = hand.leases;
    const back = at.hand("hand", [lease?.key], { slots: 4 });
    await at.advance(100);
    assert.equal(seen(searchId).status, running);
    const revoked = back.messages.flatMap(({ message }) => (message?.$case === "registered" ? message.value.revoked : []));
    assert.deepEqual(revoked, [lease?.key], "its agent is told that the attempt is over");
    assert.deepEqual(back.leases.at(-1)?.key, { searchId, trial: 1, attempt: 1 });
  });

  it("a delete that made room has the rest continue at once", async () => {
    const [first, second] = [await created(), await created()];
    at.isFull = true;
    // Fails again and again, so that the next try is far away.
    for (let tries = 0; tries < 8; tries += 1) {
      await assert.rejects(at.answer(at.create()), withCode("exhausted"));
      await at.advance(40_000);
    }
    await stop(first.searchId);
    at.isFull = false;
    await remove(first.searchId);
    await at.advance(1);
    assert.equal((await at.answer(at.create({ budget: { trials: 1 } }))).status, running);
    assert.equal(seen(second.searchId).status, running);
  });

  it("a stop is refused, with what to do, where the log has nothing left even for that", async () => {
    const { searchId } = await created();
    at.appendFault = new RegulusError("exhausted", "no space for the log; free some");
    await assert.rejects(stop(searchId), (thrown) => withCode("exhausted")(thrown) && /free some/.test(String(thrown)));
    at.appendFault = undefined;
    assert.equal((await stop(searchId)).status, ended);
  });
});

const step = fc.record({
  does: fc.constantFrom("fill", "free", "create", "stop", "stop", "stopTrial", "delete", "delete", "work", "wait", "restart"),
  which: fc.nat(3),
});

describe("searches on a disk that fills up and gets room in any order", () => {
  it("are stopped and deleted whenever that is asked for, and what was answered is what the next process reads", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        const at = new ScriptedCoordinator();
        await at.openVirtual();
        at.proposals = () => [start()];
        let hand = at.hand("hand", [], { slots: 8 });
        const known = new Map<string, "running" | "stops" | "over">();
        const deleted = new Set<string>();
        for (const { does, which } of steps) {
          const searchId = [...known.keys()][which];
          if (does === "fill") at.isFull = true;
          else if (does === "free") at.isFull = false;
          else if (does === "create") {
            const made = at.answer(at.create({ parallelism: 1, budget: { trials: 20 } }));
            const search = await made.catch((thrown: unknown) => void assert.ok(at.isFull || withCode("exhausted")(thrown)));
            if (search !== undefined) known.set(search.searchId, "running");
          } else if (does === "work") {
            if (hand.closedBecause !== undefined) {
              try {
                hand = at.hand("hand", [], { slots: 8 });
              } catch {
                continue;
              }
            }
            const lease = hand.leases.pop();
            if (lease !== undefined) hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
            await at.advance(5);
          } else if (does === "wait") {
            // Longer than an agent that says nothing keeps a trial.
            await at.advance(45_000);
            for (const [id, is] of known) {
              if (is === "stops") assert.equal(at.coordinator.getSearch(id).status, ended, "a stop comes to its end");
              if (is === "stops") known.set(id, "over");
            }
          } else if (does === "restart") {
            await at.answer(at.close());
            await at.openVirtual();
            hand = at.hand("hand", [], { slots: 8 });
          } else if (searchId === undefined) continue;
          else if (does === "stop") {
            const { status } = await at.answer(at.coordinator.stopSearch(searchId, "asked for"));
            assert.ok(status === ended || status === SearchStatus.SEARCH_STATUS_STOPPING);
            known.set(searchId, status === ended ? "over" : "stops");
          } else if (does === "stopTrial") {
            const stopped = at.answer(at.coordinator.stopTrial(searchId, 0, "asked for"));
            await stopped.catch((thrown: unknown) => assert.ok(withCode("not-found")(thrown), String(thrown)));
          } else if (known.get(searchId) === "over") {
            await at.answer(at.coordinator.deleteSearch(searchId));
            known.delete(searchId);
            deleted.add(searchId);
          }
        }
        at.isFull = false;
        await at.answer(at.close());
        await at.openVirtual();
        assert.deepEqual(new Set(await at.log.searches()), new Set(known.keys()));
        for (const [searchId, wanted] of known) {
          const { status } = at.coordinator.getSearch(searchId);
          if (wanted === "over") assert.equal(status, ended, searchId);
          const facts = await at.factsOf(searchId);
          facts.forEach((fact, index) => void assert.equal(fact.position, index + 1));
          const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value.trial] : []));
          assert.equal(new Set(ends).size, ends.length, "each trial ends once");
        }
        await at.answer(at.close());
      }),
      { numRuns: 60 },
    );
  });
});
