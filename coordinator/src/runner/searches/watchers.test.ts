/** Those who watch: each fact once and in order whatever their pace, with all that is held for them counted, and nothing left of one that went. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Fact, limits, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { openMemoryLog } from "../../log/memory-log.js";
import type { EventLog, Room } from "../../ports.js";
import { SearchWatchers, type Watched } from "./watchers.js";

const factAt = (position: number, text = ""): Fact => ({
  searchId: "s",
  position,
  timeMs: 1,
  kind: { $case: "searchPaused", value: { reason: text } },
});
const sizeOf = (fact: Fact): number => Fact.encode(fact).finish().byteLength;

/** Counts what is held for a reader, and what it was handed. */
class Counted implements Room {
  waiting = 0;
  taken = 0;
  waitingMost = 0;
  mayHold = true;
  async take(bytes: number): Promise<void> {
    this.taken += bytes;
  }
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }
  give(bytes: number): void {
    this.taken -= bytes;
  }
  hold(bytes: number): boolean {
    if (this.mayHold) this.waiting += bytes;
    this.waitingMost = Math.max(this.waitingMost, this.waiting);
    return this.mayHold;
  }
  drop(bytes: number): void {
    this.waiting -= bytes;
  }
  handOn(bytes: number): void {
    this.waiting -= bytes;
    this.taken += bytes;
  }
}

/** A search whose facts come as the test says. */
function begin() {
  const log: EventLog = openMemoryLog();
  const watchers = new SearchWatchers();
  const facts: Fact[] = [];
  let end: number | undefined;
  const happen = async (count: number, text = ""): Promise<void> => {
    const more = Array.from({ length: count }, (_, index) => factAt(facts.length + 1 + index, text));
    await log.append([{ searchId: "s", expected: facts.length, facts: more }]);
    facts.push(...more);
    watchers.publish(more);
  };
  const over = async (): Promise<void> => {
    const last: Fact = {
      ...factAt(facts.length + 1),
      kind: { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_STOPPED", reason: "" } },
    };
    await log.append([{ searchId: "s", expected: facts.length, facts: [last] }]);
    facts.push(last);
    end = last.position;
    watchers.publish([last]);
  };
  const watch = (after: number, room?: Room, signal?: AbortSignal): AsyncGenerator<Watched> => {
    const reader = { ...(room && { room }), ...(signal && { signal }) };
    return watchers.watch({ log, searchId: "s", after, reader, endPosition: () => end });
  };
  return { watchers, facts, happen, over, watch };
}

/** Reads to the end. `pause` says how many turns of the event loop it takes for each piece. */
async function readAll(watched: AsyncGenerator<Watched>, pause: (piece: number) => number = () => 0) {
  const positions: number[] = [];
  const live: boolean[] = [];
  let piece = 0;
  for await (const { facts, live: isLive } of watched) {
    positions.push(...facts.map(({ position }) => position));
    live.push(isLive);
    for (let turn = pause(piece); turn > 0; turn -= 1) await turns();
    piece += 1;
  }
  return { positions, live };
}

const turns = async (count = 1): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const upTo = (last: number, after = 0) => Array.from({ length: last - after }, (_, index) => after + 1 + index);
const withCode = (code: RegulusError["code"]) => (thrown: unknown) => thrown instanceof RegulusError && thrown.code === code;

test("each watcher gets every fact after its position once and in order, at whatever pace", async () => {
  const lives = fc.record({
    before: fc.nat(1200),
    appends: fc.array(fc.record({ count: fc.constantFrom(1, 3, 700, 2100), turns: fc.nat(6) }), { maxLength: 7 }),
    paces: fc.array(fc.record({ after: fc.nat(1200), turns: fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  await fc.assert(
    fc.asyncProperty(lives, async ({ before, appends, paces }) => {
      const at = begin();
      await at.happen(Math.max(1, before));
      const rooms = paces.map(() => new Counted());
      const readings = paces.map(({ after, turns: pace }, index) => {
        const from = Math.min(after, at.facts.length);
        const all = readAll(at.watch(from, rooms[index]), (piece) => pace[piece % pace.length] ?? 0);
        return all.then((seen) => ({ ...seen, from }));
      });
      for (const { count, turns: wait } of appends) {
        await at.happen(count);
        await turns(wait);
      }
      await at.over();
      for (const [index, { positions, live, from }] of (await Promise.all(readings)).entries()) {
        assert.deepEqual(positions, upTo(at.facts.length, from));
        assert.ok(live.includes(true));
        const room = rooms[index] ?? assert.fail("a room each");
        assert.equal(room.waiting, 0, "nothing is held for one that went");
        assert.ok(room.waitingMost <= limits.watchBacklogBytesMax);
      }
      assert.equal(at.watchers.size, 0);
    }),
    { numRuns: 25 },
  );
});

test("what waits for a watcher is bounded in facts and in bytes; past that it reads from the log", async () => {
  for (const [count, size, times] of [
    [1, 1000, 2 * Math.ceil(limits.watchBacklogBytesMax / 1000)],
    [limits.watchBacklogFactsMax / 4, 0, 6],
  ] as const) {
    const at = begin();
    await at.happen(1);
    const room = new Counted();
    const watched = at.watch(0, room);
    const seen: Fact[] = [];
    const next = async (): Promise<boolean> => {
      const { value, done } = await watched.next();
      seen.push(...(value?.facts ?? []));
      return done === true;
    };
    await next();
    await next();
    // It is live now and asks for nothing.
    for (let time = 0; time < times; time += 1) await at.happen(count, "x".repeat(size));
    assert.ok(room.waitingMost > 0 && room.waitingMost <= limits.watchBacklogBytesMax);
    assert.equal(room.waiting, 0, "what did not fit is not held in part");
    await at.over();
    while (!(await next()));
    assert.deepEqual(seen, at.facts);
  }
});

test("exactly as much as fits is held, and given on as it was held", async () => {
  const at = begin();
  await at.happen(1);
  const room = new Counted();
  const watched = at.watch(0, room);
  await watched.next();
  const { value: live } = await watched.next();
  assert.deepEqual(live, { facts: [], live: true });
  const before = room.taken;
  await at.happen(limits.watchBacklogFactsMax);
  const bytes = at.facts.slice(1).reduce((sum, fact) => sum + sizeOf(fact), 0);
  assert.deepEqual([room.waiting, room.taken], [bytes, before]);
  const { value } = await watched.next();
  assert.equal(value?.facts.length, limits.watchBacklogFactsMax);
  assert.deepEqual([room.waiting, room.taken], [0, before + bytes]);
  await watched.return(undefined);
});

test("a watcher whose room is full misses nothing", async () => {
  const at = begin();
  await at.happen(3);
  const room = new Counted();
  const reading = readAll(at.watch(0, room));
  await turns(5);
  room.mayHold = false;
  await at.happen(2);
  await turns(5);
  room.mayHold = true;
  await at.happen(2);
  await turns(5);
  await at.over();
  assert.deepEqual((await reading).positions, upTo(8));
});

test("a watcher that goes leaves nothing behind: no place, no bytes, no listener", async () => {
  for (const how of ["returns", "aborts", "is removed"] as const) {
    const at = begin();
    await at.happen(1);
    const control = new AbortController();
    const room = new Counted();
    const watched = at.watch(0, room, control.signal);
    await watched.next();
    await watched.next();
    assert.deepEqual([at.watchers.size, getEventListeners(control.signal, "abort").length], [1, 1]);
    if (how === "returns") {
      await at.happen(5);
      assert.ok(room.waiting > 0);
      await watched.return(undefined);
    } else {
      const failed = assert.rejects(watched.next(), withCode(how === "aborts" ? "cancelled" : "not-found"));
      await turns(2);
      if (how === "aborts") control.abort();
      else at.watchers.remove();
      await failed;
    }
    assert.deepEqual([at.watchers.size, room.waiting, getEventListeners(control.signal, "abort").length], [0, 0, 0], how);
    await at.happen(5);
    assert.equal(room.waiting, 0);
  }
});
