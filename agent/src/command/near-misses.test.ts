/** What a program that prints almost measurements is told of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NearMisses } from "./near-misses.js";

test("near misses are counted by their kind, with the first of each", () => {
  const misses = new NearMisses();
  assert.equal(misses.words(), "");
  misses.add("no step", ' {"loss": 0.5\u001b} ');
  const first = 'the first: {"loss": 0.5?}';
  assert.equal(misses.words(), `1 line is a JSON object without "step"; ${first}`);
  misses.add("no JSON", "{'step': 1}");
  misses.add("no step", "{}");
  const second = "1 line has a step in braces and is not only JSON; the first: {'step': 1}";
  assert.equal(misses.words(), `2 lines are JSON objects without "step"; ${first}; ${second}`);
});

test("the third of a kind is worth a word, once, and a long line is cut", () => {
  const misses = new NearMisses();
  const told = ["no step", "no JSON", "no step", "no JSON", "no step", "no JSON", "no step"] as const;
  assert.deepEqual(
    told.map((miss) => misses.add(miss, "x".repeat(10_000))),
    [false, false, false, false, true, false, false],
  );
  assert.ok(misses.words().length < 500, misses.words());
});
