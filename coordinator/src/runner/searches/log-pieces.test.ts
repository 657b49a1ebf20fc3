/** Reading for those outside: what is counted in a reader's room, how much of it at once, and which facts one answer holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fact, limits } from "@regulus/proto";
import { openMemoryLog } from "../../log/memory-log.js";
import type { EventLog, Room } from "../../ports.js";
import { newestFacts, readPieces, readThrough } from "./log-pieces.js";

const factAt = (position: number, trial: number | undefined, size = 0): Fact => {
  const reason = "x".repeat(size);
  return Fact.fromPartial({
    searchId: "s",
    position,
    timeMs: 1,
    kind:
      trial === undefined ? { $case: "searchPaused", value: { reason } } : { $case: "trialDeferred", value: { trial, reason } },
  });
};
const bytesOf = (facts: readonly Fact[]): number => facts.reduce((sum, fact) => sum + Fact.encode(fact).finish().byteLength, 0);

async function logOf(facts: readonly Fact[]): Promise<EventLog> {
  const log = openMemoryLog();
  await log.append([{ searchId: "s", expected: 0, facts }]);
  return log;
}

/** A room that tells what happened in it. */
function told() {
  const story: string[] = [];
  const at = { held: 0, most: 0 };
  const room: Room = {
    take: async (bytes) => {
      at.held += bytes;
      at.most = Math.max(at.most, at.held);
      story.push("take");
    },
    turn: async () => void story.push("turn"),
    give: (bytes) => {
      at.held -= bytes;
    },
    hold: () => true,
    drop: () => undefined,
    handOn: () => undefined,
  };
  return { story, at, room };
}

test("each piece is counted with its bytes and waits for its turn before it is loaded, the first look too", async () => {
  const facts = Array.from({ length: 5 }, (_, index) => factAt(index + 1, index % 2, 30_000));
  const log = await logOf(facts);
  const { story, at, room } = told();
  let held = 0;
  const seen: Fact[] = [];
  for await (const piece of readPieces(log, { searchId: "s" }, { room })) {
    assert.equal(piece.bytes, bytesOf(piece.facts));
    assert.ok(piece.bytes <= limits.readerPieceBytesMax);
    held += piece.bytes;
    assert.equal(at.held, held);
    seen.push(...piece.facts);
  }
  assert.deepEqual(seen, facts);
  assert.deepEqual(story, ["turn", "take", "turn", "take", "turn", "take", "turn"]);
});

test("a reading is narrowed as it says, and ends when its reader is gone", async () => {
  const log = await logOf(Array.from({ length: 9 }, (_, index) => factAt(index + 1, index % 3 === 0 ? undefined : index % 3)));
  const positions = async (reading: Omit<Parameters<typeof readPieces>[1], "searchId">, signal?: AbortSignal) => {
    const found: number[] = [];
    const reader = signal === undefined ? {} : { signal };
    for await (const { facts } of readPieces(log, { searchId: "s", ...reading }, reader))
      found.push(...facts.map((fact) => fact.position));
    return found;
  };
  assert.deepEqual(await positions({}), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(await positions({ after: 7 }), [8, 9]);
  assert.deepEqual(await positions({ about: "search" }), [1, 4, 7]);
  assert.deepEqual(await positions({ about: { trial: 2 }, after: 3 }), [6, 9]);
  await assert.rejects(positions({}, AbortSignal.abort()), { code: "cancelled" });
});

test("who keeps nothing holds one piece at a time, and none at the end", async () => {
  const facts = Array.from({ length: 40 }, (_, index) => factAt(index + 1, 0, 30_000));
  const { at, room } = told();
  const seen: Fact[] = [];
  for await (const piece of readThrough(await logOf(facts), { searchId: "s" }, { room })) {
    assert.equal(at.held, bytesOf(piece));
    seen.push(...piece);
  }
  assert.deepEqual([seen.length, at.held], [40, 0]);
  assert.ok(at.most <= limits.readerPieceBytesMax);
});

test("nothing is read on for a reader that is gone, with a room or without one", async () => {
  const log = await logOf([factAt(1, 0)]);
  for (const more of [{}, { room: told().room }]) {
    const reader = { signal: AbortSignal.abort(), ...more };
    await assert.rejects(newestFacts(log, { searchId: "s" }, reader), { code: "cancelled" });
    await assert.rejects(readThrough(log, { searchId: "s" }, reader).next(), { code: "cancelled" });
  }
});

test("an answer holds the newest facts that it may: 10,000 of them, or 3 MiB", async () => {
  const many = Array.from({ length: 12_345 }, (_, index) => factAt(index + 1, 0));
  assert.deepEqual(await newestFacts(await logOf(many), { searchId: "s" }), many.slice(-10_000));
  assert.deepEqual(await newestFacts(await logOf(many.slice(0, 700)), { searchId: "s" }), many.slice(0, 700));
  const large = Array.from({ length: 130 }, (_, index) => factAt(index + 1, 0, 30_000));
  const { at, room } = told();
  const newest = await newestFacts(await logOf(large), { searchId: "s" }, { room });
  assert.deepEqual(newest, large.slice(-newest.length));
  const bytes = bytesOf(newest);
  assert.ok(bytes >= 3 * 2 ** 20 && bytes <= 3 * 2 ** 20 + 2 * limits.readerPieceBytesMax, `${bytes}`);
  assert.equal(at.held, 3 * 2 ** 20 + limits.messageBytesMax, "taken as a whole, before the first piece");
});
