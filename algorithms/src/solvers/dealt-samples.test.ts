/** Positions hold each sample once, and every shard's samples are spread over the whole set. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dealt, dealtOrder, sampleAt } from "./dealt-samples.js";
import { shardRanges } from "./summation-tree.js";

test("each sample has one position", () => {
  for (const samples of [1, 2, 3, 5, 24, 100, 1000, 4097])
    assert.deepEqual(
      [...dealtOrder(samples)].sort((a, b) => a - b),
      Array.from({ length: samples }, (_, i) => i),
    );
});

test("a position is told by the sample that stands there", () => {
  for (const samples of [1, 5, 8])
    assert.deepEqual(
      Array.from({ length: samples }, (_, position) => sampleAt(samples, position)),
      dealtOrder(samples),
    );
  assert.equal(sampleAt(8, 1), 4);
  for (const outside of [-1, 8]) assert.throws(() => sampleAt(8, outside), /there is a position/);
});

test("halves are the even and the odd samples, and quarters every fourth", () => {
  assert.deepEqual(dealtOrder(8), [0, 4, 2, 6, 1, 5, 3, 7]);
  const [even, odd] = shardRanges(24, 2).map(({ lo, hi }) => dealtOrder(24).slice(lo, hi));
  assert.ok(even?.every((sample) => sample % 2 === 0) && odd?.every((sample) => sample % 2 === 1));
  const quarters = shardRanges(24, 4).map(({ lo, hi }) => dealtOrder(24).slice(lo, hi));
  assert.deepEqual(
    quarters.map((quarter) => new Set(quarter.map((sample) => sample % 4)).size),
    [1, 1, 1, 1],
  );
});

test("shards of samples that grow dearer along the set are nearly equal work", () => {
  for (const samples of [24, 25, 100, 777])
    for (const shards of [2, 3, 4, 5, 8]) {
      const cost = dealt(Array.from({ length: samples }, (_, i) => i + 1));
      const works = shardRanges(samples, shards).map(
        ({ lo, hi }) => cost.slice(lo, hi).reduce((sum, one) => sum + one, 0) / (hi - lo),
      );
      // In the set's own order the last of two shards has three times the first's work. The discrepancy of the sequence is below log2(n) / n.
      const mean = (samples + 1) / 2;
      for (const work of works)
        assert.ok(Math.abs(work / mean - 1) <= (2 * shards * Math.log2(samples)) / samples, `${samples}/${shards}: ${works}`);
    }
});
