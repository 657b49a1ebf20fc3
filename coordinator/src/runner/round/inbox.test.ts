/** What waits for a round: in order, bounded, and refused with the reason while nothing is taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { Inbox } from "./inbox.js";

/** Runs what waits as a round does. */
function round(inbox: Inbox): void {
  for (const job of inbox.take()) job.run()();
}

test("calls and posts are decided in their order, and a call is answered with what its round made", async () => {
  let wakes = 0;
  const inbox = new Inbox(() => {
    wakes += 1;
  });
  const story: string[] = [];
  const call = inbox.call(() => {
    story.push("call");
    return () => story.join(" ");
  });
  inbox.post(() => void story.push("post"));
  assert.deepEqual([story, wakes, inbox.isEmpty], [[], 2, false]);
  for (const ready of inbox.take().map((job) => job.run())) ready();
  assert.equal(await call, "call post");
  assert.ok(inbox.isEmpty);
});

test("a hundred thousand commands may wait, and the next one is refused until a round took them", async () => {
  const inbox = new Inbox(() => undefined);
  const waiting = Array.from({ length: 100_000 }, () => inbox.call(() => () => 1));
  await assert.rejects(
    inbox.call(() => () => 1),
    { code: "exhausted" },
  );
  round(inbox);
  const next = inbox.call(() => () => 2);
  round(inbox);
  assert.deepEqual([(await Promise.all(waiting)).length, await next], [100_000, 2]);
});

test("what waits and what comes while nothing is taken is refused with the reason, and posts are dropped", async () => {
  const inbox = new Inbox(() => undefined);
  const refusal = new RegulusError("unavailable", "closing");
  const before = assert.rejects(
    inbox.call(() => () => 1),
    refusal,
  );
  inbox.close(refusal);
  await before;
  await assert.rejects(
    inbox.call(() => () => 1),
    refusal,
  );
  inbox.post(() => assert.fail("it was dropped"));
  assert.deepEqual([inbox.isEmpty, inbox.refusal], [true, refusal]);
  inbox.open();
  const after = inbox.call(() => () => 3);
  round(inbox);
  assert.deepEqual([await after, inbox.refusal], [3, undefined]);
});
