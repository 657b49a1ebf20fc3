import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadingTurns } from "./reading-turns.js";

test("callers take turns, however many readers each has, one in a turn of the event loop", async () => {
  const turns = new ReadingTurns();
  const order: string[] = [];
  const read = (caller: string, reader: number) => turns.next(caller).then(() => order.push(`${caller}${reader}`));
  const readers = [...[1, 2, 3, 4].map((reader) => read("many", reader)), read("one", 1), read("two", 1), read("one", 2)];
  const perTurn: number[] = [];
  while (order.length < readers.length) {
    const before = order.length;
    await new Promise((resolve) => setImmediate(resolve));
    perTurn.push(order.length - before);
  }
  assert.deepEqual(order, ["many1", "one1", "two1", "many2", "one2", "many3", "many4"]);
  assert.ok(Math.max(...perTurn) <= 1, perTurn.join(" "));
});
