/**
 * Conformance suite of an event log, which runs over any adapter: all or nothing, conflict, order, narrowing, abort, reopen.
 * Shipped code, so that an adapter elsewhere can be held to it.
 */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Fact, RegulusError } from "@regulus/proto";
import type { Append, EventLog, ReadOptions } from "../ports.js";

/** A place that a log can be opened on again and again. */
export interface LogPlace {
  open(): Promise<EventLog>;
  /** Removes what the place holds. */
  clear(): Promise<void>;
}

/** Declares the suite for one adapter. `make` gives a fresh, empty place. */
export function describeLog(name: string, make: () => Promise<LogPlace>): void {
  describe(`log conformance: ${name}`, () => {
    let place: LogPlace;
    let log: EventLog;
    beforeEach(async () => {
      place = await make();
      log = await place.open();
    });
    afterEach(async () => {
      await log.close();
      await place.clear();
    });

    it("gives back what was appended, in order and whole", async () => {
      await log.append([appendOf("a", 0, 3)]);
      await log.append([appendOf("a", 3, 2)]);
      assert.deepEqual(await readAll(log, "a"), factsOf("a", 1, 5));
      assert.deepEqual(await readAll(log, "a", 3), factsOf("a", 4, 2));
      assert.deepEqual(await readAll(log, "a", 5), []);
      assert.deepEqual(await readAll(log, "unknown"), []);
    });

    it("keeps searches apart and lists them oldest first", async () => {
      await log.append([appendOf("zebra", 0, 1)]);
      await log.append([appendOf("ant", 0, 2), appendOf("zebra", 1, 1)]);
      assert.deepEqual(await log.searches(), ["zebra", "ant"]);
      assert.deepEqual(positions(await readAll(log, "zebra")), [1, 2]);
      assert.deepEqual(positions(await readAll(log, "ant")), [1, 2]);
    });

    it("refuses a writer that does not know the newest fact, and keeps nothing of its batch", async () => {
      await log.append([appendOf("a", 0, 2)]);
      for (const expected of [0, 1, 3]) {
        await assert.rejects(log.append([appendOf("b", 0, 1), appendOf("a", expected, 1)]), code("conflict"));
      }
      assert.deepEqual(positions(await readAll(log, "a")), [1, 2]);
      assert.deepEqual(await readAll(log, "b"), []);
      assert.deepEqual(await log.searches(), ["a"]);
      await log.append([appendOf("b", 0, 1), appendOf("a", 2, 1)]);
      assert.deepEqual(positions(await readAll(log, "a")), [1, 2, 3]);
    });

    it("lets one of two racing writers win, whole", async () => {
      const racers = await Promise.allSettled([log.append([appendOf("a", 0, 2)]), log.append([appendOf("a", 0, 3)])]);
      assert.equal(racers.filter((racer) => racer.status === "fulfilled").length, 1);
      const length = (await readAll(log, "a")).length;
      assert.ok(length === 2 || length === 3, `one writer's facts, not a mixture: ${length}`);
    });

    it("narrows to one trial, and to the search itself", async () => {
      await log.append([appendOf("a", 0, 2500)]);
      const all = factsOf("a", 1, 2500);
      const ofTrial = (trial: number | undefined) => positions(all.filter((fact) => trialIn(fact) === trial));
      assert.deepEqual(positions(await readAll(log, "a", 0, { about: { trial: 3 } })), ofTrial(3));
      assert.deepEqual(
        positions(await readAll(log, "a", 2000, { about: { trial: 3 } })),
        ofTrial(3).filter((at) => at > 2000),
      );
      assert.deepEqual(positions(await readAll(log, "a", 0, { about: "search" })), ofTrial(undefined));
      assert.deepEqual(await readAll(log, "a", 0, { about: { trial: 77 } }), []);
    });

    it("reads much in pieces, and stops when told to", async () => {
      for (let at = 0; at < 5000; at += 1000) await log.append([appendOf("a", at, 1000)]);
      let pieces = 0;
      let facts = 0;
      for await (const piece of log.read("a", 0)) {
        pieces += 1;
        facts += piece.length;
      }
      assert.equal(facts, 5000);
      assert.ok(pieces >= 5, `at most 1,000 facts a piece: ${pieces} pieces`);
      const control = new AbortController();
      const reading = (async () => {
        for await (const _ of log.read("a", 0, { signal: control.signal })) control.abort();
      })();
      await assert.rejects(reading, code("cancelled"));
    });

    it("bounds pieces by bytes, and gives a fact past the bound alone", async () => {
      const sizes = [10, 10, 5000, 10, 940, 20, 10, 2000, 2000];
      const facts = sizes.map((size, index) => pauseOf("a", index + 1, "x".repeat(size)));
      await log.append([{ searchId: "a", expected: 0, facts }]);
      // As many as facts 4 and 5 have together.
      const bytesMax = facts.slice(3, 5).reduce((bytes, fact) => bytes + Fact.encode(fact).finish().byteLength, 0);
      for (const options of [{}, { about: "search" as const }]) {
        const pieces: number[][] = [];
        for await (const piece of log.read("a", 0, { bytesMax, ...options })) pieces.push(positions(piece));
        assert.deepEqual(pieces, [[1, 2], [3], [4, 5], [6, 7], [8], [9]]);
      }
    });

    it("asks for room before it loads a piece, with the piece's bytes, and fails as that does", async () => {
      const facts = [1, 2, 3].map((position) => pauseOf("a", position, "x".repeat(1000)));
      await log.append([{ searchId: "a", expected: 0, facts }]);
      const sizes = facts.map((fact) => Fact.encode(fact).finish().byteLength);
      const story: unknown[] = [];
      const room = async (bytes: number): Promise<void> => {
        story.push(bytes);
        if (story.length > 4) throw new RegulusError("exhausted", "no room");
      };
      const reading = async (): Promise<void> => {
        for await (const piece of log.read("a", 0, { bytesMax: 1000, room })) story.push(piece[0]?.position);
      };
      await assert.rejects(reading(), code("exhausted"));
      assert.deepEqual(story, [sizes[0], 1, sizes[1], 2, sizes[2]]);
    });

    it("ends a read at what was durable when it began, and does not mind appends meanwhile", async () => {
      await log.append([appendOf("a", 0, 1500)]);
      const seen: number[] = [];
      for await (const piece of log.read("a", 0)) {
        if (seen.length === 0) await log.append([appendOf("a", 1500, 10)]);
        seen.push(...positions(piece));
      }
      assert.deepEqual(seen, positions(factsOf("a", 1, 1500)));
    });

    it("holds numbers that JSON would lose", async () => {
      const fact = Fact.fromPartial({
        searchId: "a",
        position: 1,
        timeMs: Number.MAX_SAFE_INTEGER,
        kind: {
          $case: "trialMeasured",
          value: {
            trial: 1,
            attempt: 1,
            measurement: { step: 2 ** 52, metrics: { nan: Number.NaN, low: -Infinity, tiny: 5e-324 } },
          },
        },
      });
      await log.append([{ searchId: "a", expected: 0, facts: [fact] }]);
      assert.deepEqual(await readAll(log, "a"), [fact]);
    });

    it("removes a search with all of its facts, and lets its id start over", async () => {
      await log.append([appendOf("a", 0, 1200), appendOf("b", 0, 2)]);
      await log.remove("a");
      await log.remove("never there");
      assert.deepEqual(await log.searches(), ["b"]);
      assert.deepEqual(await readAll(log, "a"), []);
      await log.append([appendOf("a", 0, 1)]);
      assert.deepEqual(positions(await readAll(log, "a")), [1]);
      assert.deepEqual(await log.searches(), ["b", "a"]);
    });

    it("holds everything when it is opened again, and refuses to be open twice", async () => {
      await log.append([appendOf("a", 0, 700), appendOf("b", 0, 1)]);
      await assert.rejects(place.open(), code("failed-precondition"));
      await log.close();
      await assert.rejects(log.append([appendOf("a", 700, 1)]), code("unavailable"));
      log = await place.open();
      assert.deepEqual(await readAll(log, "a"), factsOf("a", 1, 700));
      await assert.rejects(log.append([appendOf("a", 0, 1)]), code("conflict"));
      await log.append([appendOf("a", 700, 1)]);
      assert.equal((await readAll(log, "a")).length, 701);
    });
  });
}

/** Facts of a search: every fifth is about the search itself, the others about trials 0 to 9. */
export function factsOf(searchId: string, first: number, count: number): Fact[] {
  return Array.from({ length: count }, (_, index) => {
    const position = first + index;
    const kind =
      position % 5 === 0
        ? { $case: "searchPaused" as const, value: { reason: `pause ${position}` } }
        : { $case: "trialPaused" as const, value: { trial: position % 10, attempt: 1, step: position } };
    return Fact.fromPartial({ searchId, position, timeMs: 1000 + position, kind });
  });
}

function pauseOf(searchId: string, position: number, reason: string): Fact {
  return Fact.fromPartial({ searchId, position, timeMs: 1, kind: { $case: "searchPaused", value: { reason } } });
}

function appendOf(searchId: string, expected: number, count: number): Append {
  return { searchId, expected, facts: factsOf(searchId, expected + 1, count) };
}

async function readAll(log: EventLog, searchId: string, after = 0, options: ReadOptions = {}): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const piece of log.read(searchId, after, options)) facts.push(...piece);
  return facts;
}

function positions(facts: readonly Fact[]): number[] {
  return facts.map((fact) => fact.position);
}

function trialIn(fact: Fact): number | undefined {
  return fact.kind?.$case === "trialPaused" ? fact.kind.value.trial : undefined;
}

function code(expected: RegulusError["code"]) {
  return (thrown: unknown) => thrown instanceof RegulusError && thrown.code === expected;
}
