/** Who is served next, by one rule at a time: each case is decided by that rule alone, and every other rule would decide it otherwise. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Needs, PlanAgent } from "./match.js";
import { type PlanSearch, plan, type ReadyTrial, slotsOf } from "./plan.js";

const needs: Needs = { slots: 1, backend: "", labels: {}, memoryBytes: 0, command: false, module: false };
const of = (slots: number) => ({ needs: { ...needs, slots } });

function agent(agentId: string, slotsFree: number, more: Partial<PlanAgent> = {}): PlanAgent {
  const rest = { backends: ["cpu"], labels: {}, memoryBytes: 0, allowsCommands: false, allowsModules: false };
  return { agentId, slots: 20, slotsFree, ...rest, ...more };
}

const trial = (number: number, more: Partial<ReadyTrial> = {}): ReadyTrial => {
  return { trial: number, avoid: "", prefer: "", elsewhere: false, ...more };
};

function search(searchId: string, trials: number, more: Partial<PlanSearch> = {}): PlanSearch {
  const ready = Array.from({ length: trials }, (_, number) => trial(number));
  const slotsWanted = (more.slotsUsed ?? 0) + trials * (more.needs ?? needs).slots;
  const late = { slotSeconds: 0, attemptSeconds: 0, waitedMs: 0, keptOff: new Set<string>() };
  return { searchId, priority: 0, weight: 1, slotsUsed: 0, slotsWanted, ...late, needs, ready, ...more };
}

/** The searches in the order in which their trials were placed. */
const order = (searches: readonly PlanSearch[], ...agents: readonly PlanAgent[]) =>
  plan(searches, agents)
    .placements.map(({ searchId }) => searchId)
    .join("");

describe("the next trial is of the search", () => {
  it("that stays within its whole slots, then of one that rounds a part up, whatever they used", () => {
    // Nobody can run c; a and b are entitled to 2 slots each, and b needs 4 at once.
    const c = search("c", 2, { needs: { ...needs, backend: "none" } });
    const a = search("a", 9, { slotsUsed: 2 });
    const b = search("b", 1, { ...of(4), slotSeconds: 100 });
    assert.equal(order([a, b, c], agent("x", 4)), "b", "a is beyond its share, though with fewer slots");
    // 5 slots for two: a comes to 2 within its share, to the third by rounding.
    assert.equal(
      order([search("a", 9, { slotsUsed: 2 }), search("b", 9, { slotsUsed: 1, slotSeconds: 99 })], agent("x", 2)),
      "ba",
    );
  });

  it("that uses fewer slots for its weight, with one more trial, while both stay within their whole slots", () => {
    const [a, b] = [search("a", 9, { weight: 3, slotsUsed: 4, slotSeconds: 9 }), search("b", 9, { slotsUsed: 1 })];
    assert.equal(order([b, a], agent("x", 3)), "aba");
    const pairs = search("p", 9, { ...of(2), waitedMs: 9 });
    assert.equal(order([pairs, search("o", 9)], agent("x", 6))[0], "o");
  });

  it("that is less burdened, where both round a part up, whatever they use for their weight", () => {
    const [a, b] = [search("a", 9, { slotsUsed: 1 }), search("b", 9, { weight: 2, slotsUsed: 2, slotSeconds: 100 })];
    assert.equal(order([b, a], agent("x", 1)), "a");
  });

  it("that works off by its wait how far it is ahead of the least burdened one", () => {
    const ahead = (waitedMs: number) => search("a", 9, { slotSeconds: 9000, waitedMs });
    // 20 and 60 more are 80 slot-seconds; half a slot works off 65 of them in 130 s.
    assert.equal(order([search("b", 9, { slotSeconds: 20 }), ahead(130_000)], agent("x", 1)), "a");
    assert.equal(order([search("b", 9, { slotSeconds: 20 }), ahead(110_000)], agent("x", 1)), "b");
  });

  it("that waits longer, where nothing else tells them apart", () => {
    assert.equal(order([search("a", 1), search("b", 1, { waitedMs: 1 })], agent("x", 1)), "b");
  });
});

describe("a trial of several slots that waits too long", () => {
  const waits = { ...of(4), waitedMs: 30_000 };

  it("comes before everything of its priority, and nothing above it", () => {
    const small = search("b", 9);
    assert.equal(order([small, search("a", 1, waits)], agent("x", 4)), "a");
    assert.equal(order([small, search("a", 1, { ...waits, waitedMs: 29_999 })], agent("x", 4)), "bbbb");
    assert.equal(order([{ ...small, priority: 1 }, search("a", 1, waits)], agent("x", 4)), "bbbb");
  });

  it("comes first once: what follows of its search waits for its share", () => {
    assert.equal(order([search("b", 9), search("a", 9, waits)], agent("x", 8)), "abbbb");
    const two = [agent("x", 4), agent("y", 3)];
    assert.equal(order([search("b", 9), search("a", 9, waits)], ...two), "abbb", "and nothing is kept free for it");
  });

  it("is owed slots up to the mean of what its equals used, with what its trials will take beyond their share", () => {
    const placed = (a: Partial<PlanSearch>, b: Partial<PlanSearch>) =>
      order([search("b", 9, b), search("a", 1, { ...waits, ...a })], agent("x", 3));
    assert.equal(placed({}, {}), "", "x is kept for a");
    assert.equal(placed({ slotSeconds: 1 }, {}), "bbb");
    // A share of 1.5 slots: half of 2.5 slots for 60 s are 75 slot-seconds.
    assert.equal(placed({ slotSeconds: 25, attemptSeconds: 60 }, { slotSeconds: 100 }), "");
    assert.equal(placed({ slotSeconds: 26, attemptSeconds: 60 }, { slotSeconds: 100 }), "bbb");
  });

  it("has the agent with most room kept free, however little that is, and none where nobody can run it", () => {
    const kept = (...agents: readonly PlanAgent[]) =>
      plan([search("b", 9, { slotSeconds: 9 }), search("a", 1, waits)], agents).placements.map(({ agentId }) => agentId);
    assert.deepEqual(kept(agent("x", 0), agent("y", 1), agent("z", 0)), []);
    assert.deepEqual(kept(agent("x", 1), agent("y", 2), agent("z", 1)), ["x", "z"]);
    assert.deepEqual(kept(agent("x", 1, { slots: 3 }), agent("y", 2, { slots: 3 })), ["y", "x", "y"]);
  });

  it("of one slot there is none: such trials wait for their share", () => {
    assert.equal(
      order([search("a", 9, { slotSeconds: 9 }), search("b", 9, { slotsUsed: 5, waitedMs: 30_000 })], agent("x", 1)),
      "a",
    );
  });
});

describe("a trial that failed on an agent", () => {
  const [x, y] = [agent("x", 1), agent("y", 9)];
  const place = (more: Partial<ReadyTrial>, ...agents: readonly PlanAgent[]) =>
    plan([search("a", 1, { needs: { ...needs, backend: "cpu" }, ready: [trial(0, more)] })], agents).placements[0]?.agentId;

  it("goes elsewhere where there is room, and back to it where there is none", () => {
    assert.equal(place({ avoid: "y" }, x, y), "x");
    assert.equal(place({ avoid: "y" }, agent("x", 0), y), "y");
  });

  it("and is to judge that agent goes to another one only, for as long as there is one", () => {
    assert.equal(place({ avoid: "y", elsewhere: true }, x, y), "x");
    assert.equal(place({ avoid: "y", elsewhere: true }, agent("x", 0), y), undefined);
    assert.equal(place({ avoid: "y", elsewhere: true }, y, agent("z", 9, { backends: [] })), "y", "z can't run it");
    assert.equal(place({ avoid: "y", elsewhere: true }, y), "y");
  });
});

describe("what a plan says of trials without a place", () => {
  it("is said once of each search that has some left, of the first one, and of no other search", () => {
    const searches = fc.array(fc.record({ trials: fc.nat(4), first: fc.nat(9), priority: fc.nat(1) }), { maxLength: 4 });
    fc.assert(
      fc.property(searches, fc.nat(8), (wanted, slots) => {
        const asked = wanted.map(({ trials, first, priority }, index) =>
          search(`s${index}`, trials, { priority, ready: Array.from({ length: trials }, (_, at) => trial(first + 2 * at)) }),
        );
        const { placements, unplaced } = plan(asked, [agent("x", slots)]);
        const left = asked.flatMap(({ searchId, ready }) => {
          const placed = placements.filter((one) => one.searchId === searchId).map((one) => one.trial);
          assert.deepEqual(
            placed,
            ready.slice(0, placed.length).map((one) => one.trial),
            "those that wait longest",
          );
          return ready.slice(placed.length, placed.length + 1).map((one) => `${searchId} ${one.trial} true`);
        });
        assert.deepEqual(unplaced.map((one) => `${one.searchId} ${one.trial} ${one.busy}`).sort(), left);
      }),
    );
  });

  it("holds for shares of slots that are in use and free", () => {
    assert.equal(
      slotsOf([search("a", 1, { slotsUsed: 3 }), search("b", 0, { slotsUsed: 4 })], [agent("x", 5), agent("y", 6)]),
      18,
    );
  });
});
