/** Wake-ups of searches: one for the end of a budget of wall time, however often that moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SearchAt } from "../../search/testing/search-at.js";
import { ProcessClock, VirtualTime } from "../../simulation/virtual-time.js";
import { SearchEntry } from "../searches/search-entry.js";
import { WakeUps } from "./wake-ups.js";

const wallTimeMs = 100_000;

test("a search is looked at once its wall time is spent and not before, whatever pauses moved that time", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9000), { maxLength: 8 }), (waits) => {
      const time = new VirtualTime();
      const clock = new ProcessClock(time);
      const beganMs = clock.now();
      const looked: number[] = [];
      const touch = () => void looked.push(clock.now() - beganMs);
      const wakeUps = new WakeUps({ clock, leaseTimeoutMs: 10_000, touch, sweep: () => undefined });
      const at = new SearchAt({ budget: { wallTime: "100s" } });
      at.timeMs = beganMs;
      const [created] = at.facts;
      assert.ok(created);
      const entry = new SearchEntry(created, 0);
      let pausedMs = 0;
      wakeUps.wallTime(entry);
      for (const [index, waitMs] of waits.entries()) {
        time.nowMs += waitMs;
        const isPause = index % 2 === 0;
        if (!isPause) pausedMs += waitMs;
        entry.add(
          isPause ? { $case: "searchPaused", value: { reason: "" } } : { $case: "searchResumed", value: {} },
          clock.now(),
        );
        wakeUps.wallTime(entry);
      }
      const runs = waits.length % 2 === 0;
      while (time.step()) assert.ok(looked.length < 2);
      assert.deepEqual(looked, runs ? [wallTimeMs + pausedMs] : []);
    }),
    { numRuns: 100 },
  );
});

test("a search that is over is not looked at any more", () => {
  const time = new VirtualTime();
  const clock = new ProcessClock(time);
  const wakeUps = new WakeUps({
    clock,
    leaseTimeoutMs: 10_000,
    touch: () => assert.fail("it is over"),
    sweep: () => undefined,
  });
  const [created] = new SearchAt({ budget: { wallTime: "100s" } }).facts;
  assert.ok(created);
  const entry = new SearchEntry(created, 0);
  wakeUps.wallTime(entry);
  entry.closeFolds();
  assert.equal(time.step(), false);
});
