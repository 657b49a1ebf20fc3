/** Slots keep their numbers while they are taken, and no two attempts ever have one in common. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Slots } from "./slots.js";

test("whatever is taken and given back, slots are distinct, in range and counted", () => {
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 4 }), wanted: fc.array(fc.nat(7), { maxLength: 4 }) }),
    fc.record({ give: fc.nat(20) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(step, { maxLength: 40, size: "max" }),
      (count, devices, steps) => {
        const slots = new Slots(count, (slot) => slot % devices);
        const held: (readonly number[])[] = [];
        for (const one of steps) {
          if ("take" in one && one.take <= slots.free) held.push(slots.take(one.take, [...new Set(one.wanted)]));
          if ("give" in one && held.length > 0) slots.give(held.splice(one.give % held.length, 1)[0] ?? []);
          const all = held.flat();
          assert.equal(new Set(all).size, all.length);
          assert.ok(all.every((slot) => slot >= 0 && slot < count));
          assert.equal(slots.used, all.length);
          assert.equal(slots.free, count - all.length);
          const next = slots.next();
          assert.equal(next === undefined, slots.free === 0);
          assert.ok(next === undefined || !all.includes(next));
        }
      },
    ),
  );
});

test("slots whose devices nobody uses go first, low numbers before high ones", () => {
  const slots = new Slots(4, (slot) => slot % 2);
  assert.deepEqual([slots.take(1), slots.take(1), slots.take(1)], [[0], [1], [2]]);
  slots.give([1]);
  assert.deepEqual(slots.take(1), [1], "device 1 is free, device 0 is used twice");
  slots.give([0]);
  assert.deepEqual(slots.take(2), [0, 3]);
});

test("a trial gets the slots again that it wants, if they are free", () => {
  const slots = new Slots(3);
  assert.deepEqual(slots.take(1, [2]), [2]);
  assert.deepEqual(slots.take(1, [2]), [0]);
  assert.deepEqual(slots.take(1, [7]), [1]);
});
