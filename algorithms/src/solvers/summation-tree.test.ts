/** The tree gives the same bits for every way to cut samples into shards, and the sums are sums. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRng } from "../core/index.js";
import { combineNodes, coveringNodes, shardRanges, sumNode, treeSum } from "./summation-tree.js";

const vectors = (seed: number, samples: number, length: number): readonly Float64Array[] =>
  Array.from({ length: samples }, (_, i) => {
    const vector = new Float64Array(length);
    createRng(seed).fork(i).fillNormal(vector);
    // Sizes over ten orders of magnitude, so that another order of addition shows.
    return vector.map((value) => value * 10 ** (i % 11));
  });

test("any shards, in any order of arrival, give the bits of one shard", () => {
  let differs = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 9 }), fc.nat(1000), (samples, shards, seed) => {
      const given = vectors(seed, samples, 3);
      const at = (i: number): Float64Array => given[i] ?? new Float64Array(0);
      const whole = combineNodes(samples, [sumNode({ lo: 0, hi: samples }, at)]);
      const nodes = shardRanges(samples, shards).flatMap((shard) =>
        coveringNodes(samples, shard).map((node) => sumNode(node, at)),
      );
      const shuffled = [...createRng(seed).permutation(nodes.length)].map((i) => nodes[i]).filter((node) => node !== undefined);
      assert.deepEqual(combineNodes(samples, shuffled), whole);
      assert.equal(treeSum(given.map((vector) => vector[1] ?? 0)), whole[1]);
      // Partial sums by shard do not have this property, which is why the tree is there.
      const naive = shardRanges(samples, shards).map(({ lo, hi }) =>
        given.slice(lo, hi).reduce((sum, v) => sum + (v[1] ?? 0), 0),
      );
      if (naive.reduce((sum, part) => sum + part, 0) !== given.reduce((sum, v) => sum + (v[1] ?? 0), 0)) differs += 1;
    }),
    { seed: 7, numRuns: 300 },
  );
  assert.ok(differs > 0, "the test can tell orders apart");
});

test("a shard's nodes are few, disjoint and cover it", () => {
  for (const samples of [1, 2, 3, 24, 25, 1000])
    for (const shards of [1, 2, 3, 4, 7]) {
      const ranges = shardRanges(samples, shards);
      assert.equal(ranges[0]?.lo, 0);
      assert.equal(ranges.at(-1)?.hi, samples);
      for (const range of ranges) {
        assert.ok(range.hi > range.lo, "no shard is empty");
        const nodes = coveringNodes(samples, range);
        assert.ok(nodes.length <= 2 * Math.ceil(Math.log2(samples)) + 1);
        let next = range.lo;
        for (const { lo, hi } of nodes) {
          assert.equal(lo, next);
          next = hi;
        }
        assert.equal(next, range.hi);
      }
    }
});

test("sums are sums, and a hole is seen", () => {
  const given = Array.from({ length: 13 }, (_, i) => Float64Array.of(i, i * i));
  const at = (i: number): Float64Array => given[i] ?? new Float64Array(2);
  assert.deepEqual([...combineNodes(13, [sumNode({ lo: 0, hi: 13 }, at)])], [78, 650]);
  assert.deepEqual(treeSum([]), 0);
  assert.throws(() => combineNodes(4, [sumNode({ lo: 0, hi: 2 }, at), sumNode({ lo: 3, hi: 4 }, at)]), /position 2 of 4/);
});
