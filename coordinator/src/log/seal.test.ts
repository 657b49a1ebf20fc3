/** Seals, and what logs agree on about facts. Every single error in a row shows, and the mistakes of a writer stop it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Fact, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import type { Append } from "../ports.js";
import { factsOf } from "./conformance.js";
import { assertBatch, conflict, decodeFact, encodeFact, pieceFactsMax, pieceOf, trialOf } from "./records.js";
import { chainOf, crc32, emptyChain, readU32, seal, sealBytes, unseal, writeU32 } from "./seal.js";

const isLoss = (thrown: unknown): boolean => thrown instanceof RegulusError && thrown.code === "data-loss";
const where = () => "row 1";
/** A sealed row of a fact's bytes, and the chain up to it. */
function sealed(fact: Uint8Array, chainBefore: number): { readonly row: Uint8Array; readonly chain: number } {
  const row = Buffer.concat([Buffer.alloc(sealBytes), fact]);
  return { row, chain: seal(row, chainBefore) };
}

test("the checksum is CRC-32 as everybody computes it", () => {
  assert.equal(crc32(Buffer.from("123456789")), 0xcbf43926);
  assert.equal(crc32(Buffer.from("xx123456789"), 2), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test("numbers of 32 bits are kept with the lowest byte first", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.nat(3), (value, at) => {
      const bytes = Buffer.alloc(8, 0xee);
      writeU32(bytes, at, value);
      assert.equal(bytes.readUInt32LE(at), value);
      assert.equal(readU32(bytes, at), value);
      assert.equal(bytes[at + 4], 0xee);
    }),
  );
});

test("a sealed row gives its fact back, and any one bit, cut or other row before it is noticed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 2 ** 32 - 1 }), fc.nat(), (fact, before, draw) => {
      const { row, chain } = sealed(fact, before);
      assert.deepEqual([row.length, chainOf(row)], [sealBytes + fact.length, chain]);
      assert.deepEqual(Buffer.from(unseal(row, before, where)), Buffer.from(fact));
      assert.deepEqual(Buffer.from(unseal(row, undefined, where)), Buffer.from(fact), "alone, as a read about one trial sees it");
      const flipped = Uint8Array.from(row);
      const bit = draw % (8 * row.length);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => unseal(flipped, before, where), isLoss);
      if (bit >> 3 < 4 || bit >> 3 >= sealBytes) assert.throws(() => unseal(flipped, undefined, where), isLoss);
      assert.throws(() => unseal(row, (before ^ (1 << (draw % 32))) >>> 0, where), /row 1 does not follow the one before it/);
      assert.throws(() => unseal(row.subarray(0, draw % sealBytes), before, where), /row 1 is cut short/);
    }),
  );
});

test("chains of the same rows in another order, or with one missing, differ", () => {
  const chainOfAll = (facts: readonly Fact[]): number =>
    facts.reduce((chain, fact) => sealed(Fact.encode(fact).finish(), chain).chain, emptyChain);
  const facts = factsOf("a", 1, 20);
  const whole = chainOfAll(facts);
  for (let index = 0; index < facts.length; index += 1) {
    assert.notEqual(chainOfAll(facts.toSpliced(index, 1)), whole);
    const swapped = facts.with(index, facts[0] ?? assert.fail("facts"));
    if (index > 0) assert.notEqual(chainOfAll(swapped.with(0, facts[index] ?? assert.fail("facts"))), whole);
  }
});

test("a piece holds as many facts as fit, at least one and at most 500", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 400 }),
      (sizes, bytesMax) => {
        const { facts, bytes } = pieceOf(sizes, bytesMax);
        const sum = (count: number) => sizes.slice(0, count).reduce((total, size) => total + size, 0);
        assert.equal(bytes, sum(facts));
        assert.ok(facts >= Math.min(1, sizes.length) && (facts === 1 || bytes <= bytesMax));
        if (facts < sizes.length) assert.ok(sum(facts + 1) > bytesMax);
      },
    ),
  );
  assert.deepEqual(pieceOf(new Array(1000).fill(1), 1e6), { facts: pieceFactsMax, bytes: pieceFactsMax });
  assert.equal(pieceFactsMax, 500);
});

test("bytes of another row, search or version are no fact", () => {
  const [fact] = factsOf("a", 7, 1);
  const bytes = encodeFact(fact ?? assert.fail("a fact"));
  assert.deepEqual(decodeFact(bytes, "a", 7), fact);
  assert.throws(() => decodeFact(bytes, "a", 8), isLoss);
  assert.throws(() => decodeFact(bytes, "b", 7), isLoss);
  assert.throws(
    () => decodeFact(Fact.encode({ searchId: "a", position: 7, timeMs: 1, kind: undefined }).finish(), "a", 7),
    isLoss,
  );
  assert.throws(() => decodeFact(Buffer.from([0x0a, 0xff]), "a", 7), isLoss);
});

test("a fact is about the trial that it names, trial 0 too, or about its search", () => {
  assert.deepEqual(factsOf("a", 9, 3).map(trialOf), [9, undefined, 1]);
  assert.equal(trialOf({ searchId: "a", position: 1, timeMs: 1, kind: undefined }), undefined);
  assert.equal(trialOf(Fact.fromPartial({ kind: { $case: "trialPaused", value: { trial: 0, artifacts: [] } } })), 0);
});

test("a batch with a gap, a repeated search, a strange fact or none at all stops its writer", () => {
  const append = (searchId: string, expected: number, facts: readonly Fact[]): Append => ({ searchId, expected, facts });
  assertBatch([append("a", 2, factsOf("a", 3, 4)), append("b", 0, factsOf("b", 1, 1))]);
  assertBatch([]);
  const [lacking] = factsOf("a", 1, 1).map((fact) => ({ ...fact, kind: undefined }));
  const wrong: readonly (readonly Append[])[] = [
    [append("a", 0, [])],
    [append("a", 0, factsOf("a", 2, 1))],
    [append("a", 1, factsOf("a", 1, 1))],
    [append("a", 0, factsOf("a", 1, 3).toSpliced(1, 1))],
    [append("a", 0, factsOf("b", 1, 1))],
    [append("a", 0, factsOf("a", 1, 1)), append("a", 1, factsOf("a", 2, 1))],
    [append("a", 0, lacking === undefined ? [] : [lacking])],
  ];
  for (const batch of wrong) assert.throws(() => assertBatch(batch), /^Error: bug: /);
});

test("a conflict says what was seen and expected", () => {
  const { code, message } = conflict("a", 3, 5);
  assert.equal(code, "conflict");
  assert.match(message, /newest fact is 5, the writer expected 3/);
});
