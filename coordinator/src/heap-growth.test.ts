import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { growthPercentFree, growthPercentLarge, growthPercentOf, heapBytesLarge, heapShareFree } from "./heap-growth.js";

const before = fc.constantFrom(growthPercentFree, growthPercentLarge);

test("a large heap grows in small steps and a small one freely, whatever was before", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 100, noNaN: true }), before, (times, percent) => {
      assert.equal(growthPercentOf(times * heapBytesLarge, percent), growthPercentLarge);
      assert.equal(growthPercentOf((heapShareFree * heapBytesLarge) / times - 1, percent), growthPercentFree);
    }),
  );
});

test("between both sizes the rule stays", () => {
  fc.assert(
    fc.property(fc.double({ min: heapShareFree, max: 0.999, noNaN: true }), before, (share, percent) => {
      assert.equal(growthPercentOf(share * heapBytesLarge, percent), percent);
    }),
  );
});
