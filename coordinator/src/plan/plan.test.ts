import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Needs, PlanAgent } from "./match.js";
import { type PlanSearch, plan } from "./plan.js";

const needs: Needs = { slots: 1, backend: "", labels: {}, memoryBytes: 0, command: false, module: false };

function agent(agentId: string, slots: number, more: Partial<PlanAgent> = {}): PlanAgent {
  const rest = { backends: ["cpu"], labels: {}, memoryBytes: 0, allowsCommands: false, allowsModules: false };
  return { agentId, slots, slotsFree: slots, ...rest, ...more };
}

function search(searchId: string, trials: number, more: Partial<PlanSearch> = {}): PlanSearch {
  const ready = Array.from({ length: trials }, (_, trial) => ({ trial, avoid: "", prefer: "", elsewhere: false }));
  const slotsWanted = (more.slotsUsed ?? 0) + trials * (more.needs ?? needs).slots;
  const late = { slotSeconds: 0, attemptSeconds: 0, waitedMs: 0, keptOff: new Set<string>() };
  return { searchId, priority: 0, weight: 1, slotsUsed: 0, slotsWanted, ...late, needs, ready, ...more };
}

const counts = (planned: ReturnType<typeof plan>) => {
  const by: Record<string, number> = {};
  for (const { searchId } of planned.placements) by[searchId] = (by[searchId] ?? 0) + 1;
  return by;
};

describe("plan", () => {
  it("evens out the slots that searches use", () => {
    const planned = plan([search("a", 10, { slotsUsed: 4 }), search("b", 10), search("c", 1)], [agent("x", 8)]);
    // 12 slots in all: c can use 1, so a and b come to 5.5 each.
    assert.deepEqual(counts(planned), { a: 2, b: 5, c: 1 });
  });

  it("serves a higher priority first, whatever it uses", () => {
    const planned = plan([search("a", 10), search("b", 3, { priority: 1, slotsUsed: 100 })], [agent("x", 4)]);
    assert.deepEqual(counts(planned), { a: 1, b: 3 });
  });

  it("spreads trials over agents and avoids the one on which a trial failed, unless there is no other", () => {
    const planned = plan([search("a", 4)], [agent("x", 2), agent("y", 4)]);
    assert.deepEqual(planned.placements.map((placement) => placement.agentId).sort(), ["x", "y", "y", "y"]);
    const again = { ready: [{ trial: 0, avoid: "y", prefer: "", elsewhere: false }] };
    assert.equal(plan([search("a", 1, again)], [agent("x", 1), agent("y", 9)]).placements[0]?.agentId, "x");
    assert.equal(plan([search("a", 1, again)], [agent("y", 9)]).placements[0]?.agentId, "y");
  });

  it("sends a trial back to where it was, and keeps others off the slots that such trials wait for", () => {
    const agents = [agent("x", 1), agent("y", 1), agent("z", 1)];
    const ready = ["", "x", "y"].map((prefer, trial) => ({ trial, avoid: "", prefer, elsewhere: false }));
    const placed = (more: Partial<PlanSearch>, among = agents) =>
      plan([search("a", 0, more)], among).placements.map((one) => one.agentId);
    assert.deepEqual(placed({ ready }), ["z", "x", "y"]);
    const busy = [agent("x", 1, { slotsFree: 0 }), agent("y", 2)];
    assert.deepEqual(
      placed({ ready: [{ trial: 0, avoid: "", prefer: "x", elsewhere: false }] }, busy),
      ["y"],
      "it does not wait for a busy one",
    );
    assert.deepEqual(
      placed({ ready: [{ trial: 0, avoid: "x", prefer: "x", elsewhere: false }] }),
      ["y"],
      "and not for one on which it failed",
    );
  });

  it("never gives an agent more than its free slots", () => {
    const planned = plan([search("a", 9, { needs: { ...needs, slots: 2 } })], [agent("x", 5), agent("y", 3, { slotsFree: 1 })]);
    assert.deepEqual(
      planned.placements.map((placement) => placement.agentId),
      ["x", "x"],
    );
    assert.deepEqual(planned.unplaced, [
      {
        searchId: "a",
        trial: 2,
        reason: "needs 2 slots of one agent; of the 8 of the 2 agents that could run it too many are in use",
        busy: true,
      },
    ]);
  });

  it("keeps what it promises whatever is asked: slots, shares, priorities, nothing idle", () => {
    const searches = fc.array(
      fc.record({ trials: fc.nat(12), slotsUsed: fc.nat(8), priority: fc.integer({ min: 0, max: 1 }), slotSeconds: fc.nat(900) }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    const agents = fc.array(fc.record({ slots: fc.integer({ min: 1, max: 6 }), busy: fc.nat(6) }), { maxLength: 4 });
    fc.assert(
      fc.property(searches, agents, (wanted, given) => {
        const asked = wanted.map(({ trials, ...more }, index) => search(`s${index}`, trials, more));
        const there = given.map(({ slots, busy }, index) => agent(`a${index}`, slots, { slotsFree: Math.max(0, slots - busy) }));
        const planned = plan(asked, there);
        const placed = counts(planned);
        for (const { agentId, slotsFree } of there) {
          const taken = planned.placements.filter((placement) => placement.agentId === agentId).length;
          assert.ok(taken <= slotsFree, `${taken} of ${slotsFree} free slots of ${agentId}`);
        }
        const all = asked.reduce((sum, { ready }) => sum + ready.length, 0);
        const free = there.reduce((sum, { slotsFree }) => sum + slotsFree, 0);
        assert.equal(planned.placements.length, Math.min(all, free), "no slot is idle while a trial waits");
        for (const one of asked) {
          const got = placed[one.searchId] ?? 0;
          if (got === one.ready.length) continue;
          // One that still waits: nobody below its priority got a slot, and no equal that got one has two more than it.
          for (const other of asked) {
            const others = placed[other.searchId] ?? 0;
            if (others === 0 || other.priority > one.priority) continue;
            assert.equal(other.priority, one.priority, "a lower priority got a slot");
            assert.ok(other.slotsUsed + others <= one.slotsUsed + got + 1, "an equal got more than its share");
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("shares by weight, and counts slots, not trials", () => {
    assert.deepEqual(counts(plan([search("a", 20, { weight: 3 }), search("b", 20)], [agent("x", 8)])), { a: 6, b: 2 });
    const pairs = { needs: { ...needs, slots: 2 } };
    assert.deepEqual(counts(plan([search("a", 20, pairs), search("b", 20)], [agent("x", 24)])), { a: 6, b: 12 });
    assert.deepEqual(counts(plan([search("a", 20, pairs), search("b", 20)], [agent("x", 8)])), { a: 2, b: 4 });
    assert.deepEqual(counts(plan([search("a", 20, pairs), search("b", 20), search("c", 1)], [agent("x", 9)])), {
      a: 2,
      b: 4,
      c: 1,
    });
  });

  it("gives the slot that can't be split to who used least of late for its weight, and among equals to who waits longest", () => {
    const got = (...searches: readonly PlanSearch[]) => plan(searches, [agent("x", 1)]).placements[0]?.searchId;
    assert.equal(got(search("a", 1, { slotSeconds: 50 }), search("b", 1, { slotSeconds: 40 })), "b");
    assert.equal(got(search("a", 1, { slotSeconds: 50, weight: 2 }), search("b", 1, { slotSeconds: 40 })), "a");
    assert.equal(got(search("a", 1), search("b", 1, { waitedMs: 10 }), search("c", 1, { waitedMs: 5 })), "b");
    // Half of what a trial of 60 s takes beyond the share of half a slot is 15 slot-seconds.
    const long = search("a", 1, { slotSeconds: 30, attemptSeconds: 60 });
    assert.equal(got(long, search("b", 1, { slotSeconds: 44, attemptSeconds: 0 })), "b");
    assert.equal(got(long, search("b", 1, { slotSeconds: 46, attemptSeconds: 0 })), "a");
  });

  it("starves nobody for what it used before: a search within its whole slots comes first", () => {
    const planned = plan([search("a", 9, { slotSeconds: 9000 }), search("b", 9)], [agent("x", 4)]);
    assert.deepEqual(counts(planned), { a: 2, b: 2 });
  });

  it("keeps an agent free for a trial of several slots that is owed some and waits for long", () => {
    const big = { needs: { ...needs, slots: 4 } };
    const busy = [agent("x", 4, { slotsFree: 2 }), agent("y", 4, { slotsFree: 1 })];
    const small = search("b", 9, { slotsUsed: 5, slotSeconds: 100 });
    assert.deepEqual(counts(plan([search("a", 1, { ...big, waitedMs: 29_999 }), small], busy)), { b: 3 });
    const kept = plan([search("a", 1, { ...big, waitedMs: 30_000 }), small], busy);
    assert.deepEqual(
      kept.placements.map(({ agentId }) => agentId),
      ["y"],
      "x is kept, y is not",
    );
    assert.deepEqual(
      counts(plan([search("a", 1, { ...big, waitedMs: 30_000, slotSeconds: 101 }), small], busy)),
      { b: 3 },
      "it is owed none",
    );
    assert.deepEqual(counts(plan([search("a", 1, { ...big, waitedMs: 30_000 }), small], [agent("x", 4)])), { a: 1 });
  });

  it("gives back the slots that a placed trial waited for", () => {
    const ready = ["x", ""].map((prefer, trial) => ({ trial, avoid: "", prefer, elsewhere: false }));
    const planned = plan([search("a", 0, { ready })], [agent("y", 2), agent("x", 4)]);
    assert.deepEqual(
      planned.placements.map(({ agentId }) => agentId),
      ["x", "x"],
      "3 of x are free and nobody's, 2 of y",
    );
  });

  it("keeps off an agent on which trials fail, and off the one that a trial is to judge, while another one could run them", () => {
    const two = [agent("x", 2), agent("y", 2, { slotsFree: 0 })];
    const keptOff = { keptOff: new Set(["x"]) };
    const waits = plan([search("a", 1, keptOff)], two);
    assert.deepEqual(waits.placements, []);
    assert.match(
      waits.unplaced[0]?.reason ?? "",
      /all 2 slots of the one agent that could run it are in use; its trials fail on x/,
    );
    assert.equal(plan([search("a", 1, keptOff)], [agent("x", 2)]).placements.length, 1, "there is no other one");
    assert.equal(plan([search("a", 1, keptOff)], [agent("x", 2), agent("y", 1)]).placements[0]?.agentId, "y");
    const judge = { ready: [{ trial: 0, avoid: "x", prefer: "", elsewhere: true }] };
    assert.deepEqual(plan([search("a", 1, judge)], two).placements, [], "it waits for y");
    assert.equal(plan([search("a", 1, judge)], [agent("x", 2)]).placements.length, 1);
  });

  it("tells of one trial of each search that found no place, the one that waits longest, and whether slots are what it lacks", () => {
    const busy = plan([search("a", 3), search("b", 2, { needs: { ...needs, slots: 9 } })], [agent("x", 1)]);
    assert.deepEqual(busy.placements, [{ searchId: "a", trial: 0, agentId: "x" }]);
    const told = busy.unplaced.map(({ searchId, trial, busy: waits }) => [searchId, trial, waits]);
    assert.deepEqual(told.sort(), [
      ["a", 1, true],
      ["b", 0, false],
    ]);
    assert.deepEqual(plan([search("a", 0)], [agent("x", 0)]), { placements: [], unplaced: [] });
  });

  it("names at most three of the agents on which trials fail", () => {
    const keptOff = new Set(["v", "w", "x", "y"]);
    const { unplaced } = plan([search("a", 1, { keptOff })], [agent("z", 1, { slotsFree: 0 }), agent("v", 1)]);
    assert.match(unplaced[0]?.reason ?? "", /; its trials fail on v, w, x$/);
  });

  it("takes an agent that matches over one with more room, and the preferred one over both", () => {
    const gpu = { needs: { ...needs, backend: "webgpu" } };
    const two = [agent("x", 9), agent("y", 1, { backends: ["webgpu"] })];
    assert.equal(plan([search("a", 1, gpu)], two).placements[0]?.agentId, "y");
    const ready = [{ trial: 0, avoid: "", prefer: "y", elsewhere: false }];
    assert.equal(plan([search("a", 0, { ready })], [agent("x", 9), agent("y", 1)]).placements[0]?.agentId, "y");
  });

  it("counts what a higher priority uses and takes before lower ones share the rest", () => {
    const high = search("h", 2, { priority: 5, slotsUsed: 3, slotsWanted: 5 });
    const planned = plan([search("a", 9), high, search("b", 9)], [agent("x", 6)]);
    assert.deepEqual(counts(planned), { h: 2, a: 2, b: 2 });
  });

  it("says what is missing where no agent can ever run a trial", () => {
    const reason = (wanted: Partial<Needs>, agents: readonly PlanAgent[]) =>
      plan([search("a", 1, { needs: { ...needs, ...wanted } })], agents).unplaced[0]?.reason;
    assert.match(reason({}, []) ?? "", /^no agent takes leases/);
    assert.match(reason({ slots: 4 }, [agent("x", 2)]) ?? "", /^no connected agent has 4 slots \(the largest has 2\)$/);
    assert.match(
      reason({ backend: "tensorflow" }, [agent("x", 2), agent("y", 2)]) ?? "",
      /^no connected agent has the backend tensorflow \(they have .*\)$/,
    );
    assert.match(reason({ labels: { zone: "b" } }, [agent("x", 1, { labels: { zone: "a" } })]) ?? "", /label zone=b/);
    assert.match(reason({ command: true }, [agent("x", 1)]) ?? "", /--allow-commands/);
    assert.match(reason({ memoryBytes: 10 }, [agent("x", 1, { memoryBytes: 9 })]) ?? "", /has 10B of memory/);
    const apart = [agent("x", 1, { allowsCommands: true }), agent("y", 4)];
    assert.match(reason({ slots: 2, command: true }, apart) ?? "", /no agent meets all: has 2 slots and allows commands/);
  });
});
