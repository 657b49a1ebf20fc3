/** A search that has ended is opened again: by whom, with what strategy, for those who watch it, and over restarts. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, RegulusError, SearchOutcome, SearchStatus } from "@regulus/proto";
import { type Hand, measurement } from "../testing/hand.js";
import { ScriptedCoordinator, start } from "../testing/scripted-coordinator.js";

const { END_REASON_DONE: done, END_REASON_USER_ERROR: userError } = EndReason;
const { SEARCH_STATUS_ENDED: ended, SEARCH_STATUS_RUNNING: running } = SearchStatus;
const nothing = { trials: 0, steps: 0, wallTimeMs: 0, failures: 0, idempotencyKey: "" };
const refused = (words: RegExp) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === "failed-precondition" && words.test(thrown.message);

describe("a search that is opened again", () => {
  let at: ScriptedCoordinator;
  beforeEach(async () => {
    at = new ScriptedCoordinator();
    await at.openVirtual();
  });
  afterEach(async () => {
    await at.answer(at.close());
  });

  /** Works off the newest lease. */
  const finish = async (hand: Hand, reason: EndReason): Promise<void> => {
    hand.finish(hand.leases.at(-1), reason, reason === done ? { final: measurement(10, { loss: 1 }) } : { message: "no file" });
    await at.advance(10);
  };
  const statusOf = (searchId: string) => at.coordinator.getSearch(searchId).status;

  /** A search of one trial, which failed. */
  const failedSearch = async (): Promise<{ searchId: string; hand: Hand }> => {
    at.proposals = (asked) => (asked === 1 ? [start()] : []);
    const hand = at.hand();
    const { searchId } = await at.answer(at.create({ budget: { trials: 1 } }));
    await at.advance(10);
    await finish(hand, userError);
    const { status, outcome, reason } = at.coordinator.getSearch(searchId);
    assert.deepEqual([status, outcome], [ended, SearchOutcome.SEARCH_OUTCOME_FAILED]);
    assert.match(reason, /^no trial was measured: 1 failed/);
    return { searchId, hand };
  };

  it("by a failed trial that is retried runs it, once for a key, and ends as that trial does", async () => {
    const { searchId, hand } = await failedSearch();
    const request = { searchId, trials: [], idempotencyKey: "k" };
    const [first, second] = [at.coordinator.retryTrials(request), at.coordinator.retryTrials(request)];
    assert.deepEqual((await at.answer(first)).trials, [0]);
    assert.deepEqual((await at.answer(second)).trials, [0]);
    await at.advance(10);
    assert.deepEqual(hand.leases.at(-1)?.key, { searchId, trial: 0, attempt: 2 });
    assert.equal(statusOf(searchId), running);
    await finish(hand, done);
    const { outcome, counts, bestValue } = at.coordinator.getSearch(searchId);
    assert.deepEqual([outcome, counts?.done, counts?.failed, bestValue], [SearchOutcome.SEARCH_OUTCOME_COMPLETED, 1, 0, 1]);
    const facts = await at.factsOf(searchId);
    assert.equal(facts.filter(({ kind }) => kind?.$case === "searchReopened").length, 1);
    assert.equal(facts.at(-1)?.kind?.$case, "searchEnded");
  });

  it("continues after a restart as if there had been none", async () => {
    const { searchId, hand } = await failedSearch();
    await at.answer(at.coordinator.retryTrials({ searchId, trials: [0], idempotencyKey: "k" }));
    await at.advance(10);
    const lease = hand.leases.at(-1);
    const before = at.coordinator.getSearch(searchId);
    const trial = at.coordinator.getTrial(searchId, 0);
    await at.answer(at.close());
    await at.openVirtual();
    assert.deepEqual(at.coordinator.getSearch(searchId), before);
    assert.deepEqual((await at.answer(at.coordinator.getTrial(searchId, 0))).trial, (await trial).trial);
    assert.deepEqual((await at.answer(at.coordinator.retryTrials({ searchId, trials: [0], idempotencyKey: "k" }))).trials, [0]);
    at.hand("hand", [lease?.key]).finish(lease, done, { final: measurement(10, { loss: 1 }) });
    await at.advance(10);
    assert.equal(statusOf(searchId), ended);
  });

  it("by more budget asks a strategy that was told everything, and is not opened where that has nothing more", async () => {
    const { searchId, hand } = await failedSearch();
    const extend = () => at.answer(at.coordinator.extendSearch({ ...nothing, searchId, trials: 1 }));
    await assert.rejects(extend(), refused(/nothing left to try/));
    assert.equal(statusOf(searchId), ended);
    at.proposals = (asked) => (asked > 0 ? [start()] : []);
    assert.equal((await extend()).spec?.budget?.trials, 2);
    await at.advance(10);
    assert.deepEqual(hand.leases.at(-1)?.key, { searchId, trial: 1, attempt: 1 });
    await finish(hand, done);
    assert.equal(at.coordinator.getSearch(searchId).outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
  });

  it("is watched over its earlier end to the end that it comes to", async () => {
    const { searchId, hand } = await failedSearch();
    await at.answer(at.coordinator.retryTrials({ searchId, trials: [0], idempotencyKey: "" }));
    const seen: (string | undefined)[] = [];
    const watch = (async () => {
      for await (const { facts } of at.coordinator.watchSearch(searchId, 0, { signal: AbortSignal.timeout(60_000) }))
        seen.push(...facts.map(({ kind }) => kind?.$case));
    })();
    await at.advance(10);
    await finish(hand, done);
    await watch;
    assert.equal(seen.filter((kind) => kind === "searchEnded").length, 2);
    assert.equal(seen.at(-1), "searchEnded");
  });

  it("is exported with each trial once, as its last life left it", async () => {
    const { searchId, hand } = await failedSearch();
    await at.answer(at.coordinator.retryTrials({ searchId, trials: [0], idempotencyKey: "" }));
    await at.advance(10);
    await finish(hand, done);
    const rows = [];
    for await (const row of at.coordinator.exportSearch(searchId)) rows.push(row);
    assert.deepEqual(
      rows.map(({ trial }) => [trial?.trial, trial?.reason, trial?.attempts]),
      [[0, done, 2]],
    );
  });

  it("is not the one that is being deleted", async () => {
    const { searchId } = await failedSearch();
    at.removeGate = new Promise((resolve) => at.time.after(50, () => resolve()));
    const removal = at.coordinator.deleteSearch(searchId);
    await at.advance(5);
    const retry = at.coordinator.retryTrials({ searchId, trials: [0], idempotencyKey: "" });
    await assert.rejects(at.answer(retry), (thrown) => thrown instanceof RegulusError && thrown.code === "not-found");
    await at.advance(100);
    await removal;
  });

  it("spends no wall time while there is no coordinator, also where the log fails at the first round of the next one", async () => {
    at.proposals = () => [start()];
    const hand = at.hand();
    const { searchId } = await at.answer(at.create({ budget: { wallTime: "30s" }, parallelism: 1 }));
    await at.advance(10);
    const lease = hand.leases.at(-1);
    for (let second = 1; second <= 10; second += 1) {
      hand.measure(lease, second, 1);
      await at.advance(1000);
    }
    for (const fails of [true, false]) {
      const { ranMs, runningSinceMs } = at.coordinator.getSearch(searchId);
      const ran = ranMs + at.time.nowMs - runningSinceMs;
      await at.answer(at.close());
      await at.advance(75_000);
      if (fails) at.appendFault = new RegulusError("unavailable", "no disk");
      await at.openVirtual(1_000_000);
      await at.advance(10);
      at.appendFault = undefined;
      await at.advance(2000);
      const now = at.coordinator.getSearch(searchId);
      assert.equal(now.status, running);
      const more = now.ranMs + at.time.nowMs - now.runningSinceMs - ran;
      assert.ok(more >= 0 && more < 4000, `${more} ms more`);
    }
    const takenUp = (await at.factsOf(searchId)).filter(({ kind }) => kind?.$case === "searchTakenUp");
    assert.equal(takenUp.length, 2);
    await at.advance(30_000);
    assert.equal(statusOf(searchId), SearchStatus.SEARCH_STATUS_STOPPING);
  });

  it("spends no wall time where the coordinator's clock is set or its machine sleeps", async () => {
    at.proposals = () => [start()];
    await at.answer(at.close());
    await at.openVirtual(8000);
    const hand = at.hand();
    const { searchId } = await at.answer(at.create({ budget: { wallTime: "60s" }, parallelism: 1 }));
    await at.advance(10_000);
    for (const shiftMs of [86_400_000, -86_400_000, 7_200_000]) {
      at.clock.shiftMs += shiftMs;
      for (let second = 0; second < 4; second += 1) {
        hand.beat(hand.leases.at(-1));
        await at.advance(1000);
      }
      assert.equal(statusOf(searchId), running, `the clock moved by ${shiftMs} ms`);
    }
    // It ran for 22 s, and a jump may take or give a few seconds; it still ends.
    await at.advance(60_000);
    assert.notEqual(statusOf(searchId), running);
  });

  it("spends its wall time only while it runs", async () => {
    at.proposals = () => [start()];
    const hand = at.hand();
    const { searchId } = await at.answer(at.create({ budget: { wallTime: "30s" }, parallelism: 1 }));
    const beat = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        hand.beat(hand.leases.at(-1));
        await at.advance(1000);
      }
    };
    await beat(10);
    await at.answer(at.coordinator.pauseSearch(searchId, "lunch"));
    await finish(hand, EndReason.END_REASON_PREEMPTED);
    for (let second = 0; second < 100; second += 1) {
      hand.beat();
      await at.advance(1000);
    }
    assert.equal(statusOf(searchId), SearchStatus.SEARCH_STATUS_PAUSED);
    await at.answer(at.coordinator.resumeSearch(searchId));
    await beat(19);
    assert.equal(statusOf(searchId), running);
    await beat(2);
    assert.equal(statusOf(searchId), SearchStatus.SEARCH_STATUS_STOPPING);
    await finish(hand, EndReason.END_REASON_STOPPED_EARLY);
    const { reason, ranMs } = at.coordinator.getSearch(searchId);
    assert.equal(reason, "budget spent: 30s of wall time");
    assert.ok(ranMs >= 30_000 && ranMs < 33_000, `${ranMs}`);
  });
});
