/** What is fair, against its definitions: shares that nobody can have more of without another having less, and the order of who is owed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { burden, type Claim, entitlements, shares, standing, standingBurden } from "./share.js";

const claim = (more: Partial<Claim & { readonly waitedMs: number }> = {}) => {
  return { weight: 1, slots: 1, slotsUsed: 0, slotsWanted: 9, slotSeconds: 0, attemptSeconds: 0, waitedMs: 0, ...more };
};
const wishes = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 9 }), slotsWanted: fc.nat(30) }), { maxLength: 8 });

describe("entitlements", () => {
  it("give out all there is or is wanted, nobody more than it wants, and who wants more the same for its weight", () => {
    fc.assert(
      fc.property(wishes, fc.nat(60), (claims, slots) => {
        const entitled = entitlements(claims, slots);
        const wanted = claims.reduce((sum, { slotsWanted }) => sum + slotsWanted, 0);
        const given = entitled.reduce((sum, one) => sum + one, 0);
        assert.ok(Math.abs(given - Math.min(slots, wanted)) < 1e-9, `${given} of ${slots}, ${wanted} are wanted`);
        const level = claims.map(({ weight }, index) => (entitled[index] ?? 0) / weight);
        for (const [index, { slotsWanted }] of claims.entries()) {
          assert.ok((entitled[index] ?? 0) <= slotsWanted + 1e-9);
          if ((entitled[index] ?? 0) > slotsWanted - 1e-9) continue;
          for (const other of level) assert.ok((level[index] ?? 0) >= other - 1e-9, "nobody has more who could give some");
        }
      }),
    );
  });

  it("are nothing where more is in use than there is", () => {
    assert.deepEqual(entitlements([claim(), claim()], -3), [0, 0]);
  });

  it("of a lower priority are of what those above do not use", () => {
    const at = (priority: number, slotsUsed: number) => ({ ...claim({ slotsUsed }), priority });
    const made = shares([at(0, 1), at(2, 3), at(0, 0), at(1, 2)], 10);
    assert.deepEqual(
      made.map(({ equals }) => equals.map(({ priority }) => priority)),
      [[2], [1], [0, 0]],
    );
    assert.deepEqual(
      made.map(({ entitled }) => entitled),
      [[9], [7], [2.5, 2.5]],
    );
  });
});

describe("where a claim stands", () => {
  it("is within its whole slots, within the part that rounds them up, or beyond, by whole trials", () => {
    const stands = (slots: number, slotsUsed: number, entitled: number) => standing(claim({ slots, slotsUsed }), entitled);
    assert.deepEqual(
      [0, 1, 2, 3].map((used) => stands(1, used, 2.5)),
      [0, 0, 1, 2],
    );
    assert.deepEqual(
      [0, 1, 2].map((used) => stands(1, used, 2)),
      [0, 0, 2],
      "a whole number is not rounded up",
    );
    assert.deepEqual(
      [0, 2, 4].map((used) => stands(2, used, 3)),
      [0, 1, 2],
    );
    assert.equal(stands(4, 0, 3), 1);
    for (const near of [3 - 2 ** -50, 3 + 2 ** -50])
      assert.deepEqual(
        [2, 3].map((used) => stands(1, used, near)),
        [0, 2],
        "sums of fractions are not exact",
      );
  });

  it("in slot-seconds is what it used for its weight, with half of what one more trial takes beyond its entitlement", () => {
    assert.equal(burden(claim({ slotSeconds: 30, attemptSeconds: 60, weight: 2 }), 0.5), (30 + 15) / 2);
    assert.equal(burden(claim({ slotSeconds: 30, attemptSeconds: 60 }), 3), 30, "within it nothing is added");
    assert.equal(burden(claim({ slotSeconds: 30, attemptSeconds: 60, slots: 4 }), 1), 30 + 90);
  });

  it("is never more than a minute and a trial ahead, and that is worked off by waiting", () => {
    const ahead = (slotSeconds: number, more: Parameters<typeof claim>[0] = {}) =>
      standingBurden(claim({ slotSeconds, attemptSeconds: 10, ...more }), 2, 100);
    assert.equal(ahead(50), 50);
    assert.equal(ahead(170), 170);
    assert.equal(ahead(171), 170);
    assert.equal(ahead(9000, { waitedMs: 5000 }), 170 - 5);
    assert.equal(ahead(170, { waitedMs: 5000 }), 170, "who is not ahead owes nothing");
    assert.equal(ahead(9000, { slots: 3, waitedMs: 5000 }), 100 + 60 + 30 - 10, "by at most what it is entitled to");
    assert.equal(ahead(9000, { weight: 2, waitedMs: 4000 }), 100 + 35 - 2);
  });
});
