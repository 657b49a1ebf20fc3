import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.js";

test("waits double up to the bound and start over after a success", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1000, random: () => 1 });
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()], [100, 200, 400, 800, 1000]);
  backoff.reset();
  assert.equal(backoff.next(), 100);
});

test("jitter takes off at most half, and a thousand tries stay within the bound", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 5000, random: () => 0 });
  assert.equal(backoff.next(), 50);
  for (let i = 0; i < 1000; i += 1) assert.ok(backoff.next() <= 5000);
});
