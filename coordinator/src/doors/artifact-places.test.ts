/** Places for transfers: never more than there are, no caller more than its half, and only those who hardly move give theirs up, to those who have fewer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { ArtifactPlaces, type Transfer } from "./artifact-places.js";
import { bounds } from "./bounds.js";

interface Held {
  readonly caller: string;
  readonly sinceMs: number;
  readonly transfer: Transfer;
  bytes: number;
  evicted: boolean;
}

const step = fc.record({
  does: fc.constantFrom("take", "take", "move", "leave", "wait"),
  caller: fc.constantFrom("a", "b", "c", "d"),
  count: fc.integer({ min: 1, max: 140 }),
});

/** Places and what a plain list knows of them. */
class Model {
  nowMs = 0;
  held: Held[] = [];
  readonly places = new ArtifactPlaces("coming in", () => this.nowMs);

  of(caller: string): Held[] {
    return this.held.filter((one) => one.caller === caller);
  }

  /** The one that gives way to a caller; undefined for none. */
  victimFor(caller: string): Held | undefined {
    const own = this.of(caller).length;
    const rateOf = (one: Held) => one.bytes / ((this.nowMs - one.sinceMs) / 1000);
    return this.held
      .filter((one) => this.nowMs - one.sinceMs >= bounds.artifactEvictAfterMs && this.of(one.caller).length > own)
      .filter((one) => rateOf(one) < bounds.artifactEvictBytesPerSecond)
      .sort((a, b) => rateOf(a) - rateOf(b))[0];
  }

  take(caller: string): void {
    const isFull = this.held.length >= limits.artifactStreamsMax;
    const victim = isFull ? this.victimFor(caller) : undefined;
    const mayTake = this.of(caller).length < bounds.artifactStreamsPerCallerMax && (!isFull || victim !== undefined);
    let mine: Held | undefined;
    const evict = (error: RegulusError): void => {
      assert.equal(error.code, "exhausted");
      assert.ok(mine !== undefined && !mine.evicted, "a place is given up once");
      mine.evicted = true;
    };
    const take = (): Transfer => this.places.take(caller, evict);
    if (!mayTake) {
      assert.throws(take, (thrown) => thrown instanceof RegulusError && thrown.code === "exhausted");
      return;
    }
    const before = this.held;
    mine = { caller, sinceMs: this.nowMs, transfer: take(), bytes: 0, evicted: false };
    const gone = before.filter(({ evicted }) => evicted);
    assert.equal(gone.length, victim === undefined ? 0 : 1);
    if (victim !== undefined) assert.ok(gone[0] === victim || gone[0]?.bytes === victim.bytes, "the slowest gives way");
    this.held = [...before.filter(({ evicted }) => !evicted), mine];
  }
}

test("places are taken, kept, given up and given back as a plain list of them says", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const model = new Model();
      for (const { does, caller, count } of steps) {
        if (does === "wait") model.nowMs += count * 50;
        for (let index = 0; index < count; index += 1) {
          if (does === "take") model.take(caller);
          const [first] = model.of(caller);
          if (does === "move" && first !== undefined) {
            first.transfer.moved(10_000);
            first.bytes += 10_000;
          }
          if (does === "leave" && first !== undefined) {
            first.transfer.leave();
            first.transfer.leave();
            model.held = model.held.filter((one) => one !== first);
          }
        }
        assert.ok(model.held.length <= limits.artifactStreamsMax);
      }
    }),
    { numRuns: 100 },
  );
});
