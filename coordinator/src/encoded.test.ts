import assert from "node:assert/strict";
import { it } from "node:test";
import { Fact } from "@regulus/proto";
import { encoderOf } from "./encoded.js";

const factOf = (position: number, reason: string): Fact => {
  return { searchId: "s", position, timeMs: 1, kind: { $case: "searchPaused", value: { reason } } };
};

it("encodes as a fresh writer does, long after short, and after a message that could not be encoded", () => {
  const encode = encoderOf(Fact);
  const first = encode(factOf(1, "short"));
  const long = encode(factOf(2, "x".repeat(10_000)));
  assert.throws(() => encode(factOf(-1, "a position below 0")));
  const again = encode(factOf(1, "short"));
  assert.deepEqual(first, Fact.encode(factOf(1, "short")).finish());
  assert.deepEqual(long, Fact.encode(factOf(2, "x".repeat(10_000))).finish());
  assert.deepEqual(again, first);
});
