/** Steps of a range: decimal, inside, and found again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { steppedOf } from "./stepped.js";

const all = (min: number, max: number, step: number): number[] => {
  const stepped = steppedOf({ min, max, step });
  return Array.from({ length: stepped?.count ?? 0 }, (_, index) => stepped?.at(index) ?? Number.NaN);
};

test("steps are what a person would write, and the last one need not be max", () => {
  assert.deepEqual(all(0, 0.5, 0.1), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(all(-0.2, 0.25, 0.1), [-0.2, -0.1, 0, 0.1, 0.2]);
  assert.deepEqual(all(16, 100, 32), [16, 48, 80]);
  assert.deepEqual(all(1e-7, 5e-7, 2e-7), [1e-7, 3e-7, 5e-7]);
  assert.equal(all(-100, 100, 0.1)[999], -0.1);
  assert.equal(steppedOf({ min: 0, max: 1 }), undefined);
});

test("every step lies in its range, above the one before, and has its own number; what lies between has none", () => {
  const ends = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(ends, ends, fc.integer({ min: 1, max: 50 }), fc.nat(1000), (a, b, parts, pick) => {
      const [min, max] = a < b ? [a, b] : [b, a];
      const step = (max - min) / parts;
      // A step below what a double near the ends can tell gives the same number twice.
      fc.pre(step > 1e-6);
      const stepped = steppedOf({ min, max, step });
      assert.ok(stepped !== undefined && stepped.count >= 1 && stepped.count <= parts + 1);
      const index = pick % stepped.count;
      const value = stepped.at(index);
      assert.ok(value >= min && value <= max);
      assert.equal(stepped.indexOf(value), index);
      assert.equal(stepped.indexOf(value + step / 3), undefined);
      if (index > 0) assert.ok(value > stepped.at(index - 1));
    }),
  );
});
