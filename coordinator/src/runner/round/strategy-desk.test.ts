/** How many trials a strategy is asked for: what can soon run, and no more, so that its next answer knows as much as possible. In virtual time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason } from "@regulus/proto";
import { measurement } from "../testing/hand.js";
import { ScriptedCoordinator, start } from "../testing/scripted-coordinator.js";

let at: ScriptedCoordinator;
let limits: number[];

beforeEach(async () => {
  at = new ScriptedCoordinator();
  limits = [];
  await at.openVirtual();
});
afterEach(() => at.close());

/** A strategy that always gives as much as it is asked for. */
function eager(): void {
  at.proposals = (_asked, limit) => {
    limits.push(limit);
    return Array.from({ length: limit }, () => start());
  };
}

async function create(more: Record<string, unknown>): Promise<string> {
  const { searchId } = await at.answer(at.create(more));
  await at.advance(5);
  return searchId;
}

function standing(searchId: string): [running: number, pending: number] {
  const { counts } = at.coordinator.getSearch(searchId);
  return [counts?.running ?? 0, counts?.pending ?? 0];
}

describe("a strategy that gives all that it is asked for", () => {
  it("has sixteen trials ahead where no agent is there, and sixteen beyond those that run", async () => {
    eager();
    const searchId = await create({ parallelism: 100 });
    assert.deepEqual(standing(searchId), [0, 16]);
    at.hand("large", [], { slots: 40 });
    await at.advance(5);
    assert.deepEqual(standing(searchId), [40, 16]);
    assert.ok(Math.max(...limits) <= 40, `${limits}`);
  });

  it("is asked for no more than run at once, and counts slots by what a trial takes", async () => {
    eager();
    at.hand("large", [], { slots: 40 });
    assert.deepEqual(standing(await create({ parallelism: 12, resources: { slots: 2 } })), [12, 0]);
    // 16 slots are left: eight trials run.
    assert.deepEqual(standing(await create({ parallelism: 100, resources: { slots: 2 } })), [8, 16]);
  });

  it("is asked for one more as each trial ends", async () => {
    eager();
    const hand = at.hand("a", [], { slots: 2 });
    const searchId = await create({ parallelism: 2 });
    const before = at.asked;
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await at.advance(5);
    assert.deepEqual([standing(searchId), at.asked - before, limits.at(-1)], [[2, 0], 1, 1]);
  });

  it("is asked again at once where it filled its limit by going on with what it paused", async () => {
    at.proposals = (asked) =>
      asked === 1
        ? [start(0.5, { final: false })]
        : asked === 2
          ? [{ kind: "resume", trial: 0, untilStep: 20, final: true }]
          : [];
    const hand = at.hand("a", [], { slots: 1 });
    const searchId = await create({ parallelism: 1 });
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await at.advance(5);
    assert.deepEqual([standing(searchId), hand.leases[1]?.work?.untilStep, at.asked], [[1, 0], 20, 2]);
  });

  it("is not asked beyond a budget of steps that its trials are going to spend", async () => {
    eager();
    const hand = at.hand("a", [], { slots: 3 });
    const searchId = await create({ parallelism: 3, budget: { steps: 31 } });
    const finish = async (index: number) => {
      hand.finish(hand.leases[index], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
      await at.advance(5);
    };
    assert.deepEqual(standing(searchId), [3, 0]);
    await finish(0);
    assert.deepEqual(
      [standing(searchId), limits],
      [
        [3, 0],
        [3, 1],
      ],
      "one step is left of 31",
    );
    await finish(1);
    assert.deepEqual(
      [standing(searchId), limits],
      [
        [2, 0],
        [3, 1, 0],
      ],
      "what is ahead spends more than is left",
    );
  });

  it("is not asked while its search is paused, whatever is reported, and is once that continues", async () => {
    eager();
    const hand = at.hand("a", [], { slots: 2 });
    const searchId = await create({ parallelism: 4 });
    await at.answer(at.coordinator.pauseSearch(searchId, "lunch"));
    const before = at.asked;
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    hand.finish(hand.leases[1], EndReason.END_REASON_PREEMPTED);
    await at.advance(5);
    assert.equal(at.asked, before);
    await at.answer(at.coordinator.resumeSearch(searchId));
    await at.advance(5);
    assert.deepEqual([standing(searchId), at.asked - before], [[2, 2], 1]);
  });
});

describe("a strategy that has nothing for now", () => {
  it("is asked again after each measurement, and not in between", async () => {
    at.proposals = (asked) => (asked === 1 ? [start()] : []);
    const hand = at.hand("a", [], { slots: 4 });
    await create({ parallelism: 4 });
    for (const step of [1, 2, 3]) {
      const before = at.asked;
      await at.advance(60);
      assert.equal(at.asked, before, "nothing happened");
      hand.measure(hand.leases[0], step, 1);
      await at.advance(5);
      assert.equal(at.asked, before + 1);
    }
  });
});

describe("a strategy that throws", () => {
  it("ends its search as failed, with its words, and lets what runs end first", async () => {
    at.proposals = (asked) => {
      if (asked > 1) throw new RangeError("no such arm");
      return [start()];
    };
    const hand = at.hand("a", [], { slots: 2 });
    const searchId = await create({ parallelism: 2 });
    hand.measure(hand.leases[0], 1, 1);
    await at.advance(5);
    for (const { lease, reason } of [...hand.stops])
      hand.finish(
        hand.leases.find(({ key }) => key?.trial === lease?.trial),
        reason,
      );
    await at.advance(5);
    const { outcome, reason } = at.coordinator.getSearch(searchId);
    assert.equal(outcome, "SEARCH_OUTCOME_FAILED");
    assert.match(reason, /RangeError: no such arm/);
  });
});

describe("the numbers of a coordinator", () => {
  it("tell what stands and what was done since it started", async () => {
    at.proposals = (asked) => (asked === 1 ? [start(), start()] : []);
    const hand = at.hand("a", [], { slots: 3 });
    const searchId = await create({ parallelism: 2, resources: { slots: 2 }, retries: { max: 5, backoff: "1ms" } });
    const other = await create({ parallelism: 1 });
    const { gauges } = at.coordinator;
    assert.deepEqual(
      [
        gauges.searchesActive,
        gauges.trialsRunning,
        gauges.trialsPending,
        gauges.agentsConnected,
        gauges.slotsTotal,
        gauges.slotsUsed,
      ],
      [1, 1, 1, 1, 3, 2],
    );
    const facts = (await at.factsOf(searchId)).length + (await at.factsOf(other)).length;
    assert.equal(gauges.factsAppendedTotal, facts);
    assert.ok(gauges.appendsTotal > 0 && gauges.appendsTotal <= facts, `${gauges.appendsTotal}`);
    assert.deepEqual([gauges.attemptsStartedTotal, gauges.reportsRefusedTotal], [1, 0]);
    const seconds = gauges.slotSecondsTotal;
    for (let second = 0; second < 5; second += 1) {
      hand.beat(hand.leases[0]);
      await at.advance(1000);
    }
    hand.finish(hand.leases[0], EndReason.END_REASON_LOST, { step: 0 });
    await at.advance(50);
    // Two slots for five seconds, for nothing.
    assert.equal(Math.round(gauges.slotSecondsTotal - seconds), 10);
    assert.deepEqual(
      Object.entries(gauges.wastedSlotSecondsTotal).map(([reason, wasted]) => [reason, Math.round(wasted)]),
      [["lost", 10]],
    );
    assert.deepEqual(gauges.attemptsFailedTotal, { END_REASON_LOST: 1 });
    assert.equal(gauges.attemptsStartedTotal, 2);
    hand.finish(hand.leases[1], EndReason.END_REASON_DIVERGED);
    await at.advance(5);
    assert.deepEqual(gauges.trialsEndedTotal, { END_REASON_DIVERGED: 1 });
    assert.deepEqual(Object.values(gauges.searchesEndedTotal), [1]);
    const [appends, before] = [gauges.appendsTotal, at.asked];
    await at.advance(1000);
    assert.deepEqual([gauges.appendsTotal, at.asked], [appends, before], "nothing is written where nothing happens");
    await at.close();
    await at.openVirtual();
    await at.advance(1);
    const again = at.coordinator.gauges;
    assert.deepEqual(
      [again.slotSecondsTotal, again.factsAppendedTotal, again.wastedSlotSecondsTotal],
      [0, 0, {}],
      "since this start",
    );
  });
});
