import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWordMs, whilePacking } from "./set-end.js";

test("an end that is set waits while a checkpoint is packed, never comes earlier for it, and is not made by it", () => {
  const end = { reason: "preempted", message: "away", deadlineMs: 20_000 };
  assert.deepEqual(whilePacking(end, 1000), end);
  assert.deepEqual(whilePacking(end, 19_000), { ...end, deadlineMs: 19_000 + lastWordMs });
  assert.equal(whilePacking(undefined, 19_000), undefined);
});
