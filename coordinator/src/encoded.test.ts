import assert from "node:assert/strict";
import { it } from "node:test";
import { Fact } from "@regulus/proto";
import { encoderOf, partsEncoderOf } from "./encoded.js";

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

it("encodes many messages at once as one by one, each after its room, and again after one that could not be encoded", () => {
  const encode = partsEncoderOf(Fact, 2);
  const facts = [0, 1, 20, 100, 127, 128, 16_383, 16_384, 3_000_000].map((length) => factOf(1, "x".repeat(length)));
  const wanted = facts.map((fact) => Buffer.concat([Buffer.alloc(8), Fact.encode(fact).finish()]));
  const encoded = () => encode(facts).map((bytes) => Buffer.from(bytes));
  assert.deepEqual(encoded(), wanted);
  assert.throws(() => encode([factOf(1, "good"), factOf(-1, "a position below 0")]));
  assert.deepEqual(encoded(), wanted);
  assert.deepEqual(encode([]), []);
});
