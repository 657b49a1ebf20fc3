import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { halfLifeMs, Usage } from "./usage.js";

const change = fc.record({ afterMs: fc.nat(200_000), slots: fc.nat(9) });

test("usage is the sum of what was used, each millisecond halved by its age, whenever it is read", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.nat(200_000), (changes, laterMs) => {
      const usage = new Usage();
      const used: { fromMs: number; toMs: number; slots: number }[] = [];
      let [nowMs, slots] = [1_700_000_000_000, 0];
      for (const next of [...changes, { afterMs: laterMs, slots: 0 }]) {
        used.push({ fromMs: nowMs, toMs: nowMs + next.afterMs, slots });
        nowMs += next.afterMs;
        slots = next.slots;
        // Reading it changes nothing.
        usage.at(nowMs + 1000);
        usage.tell(slots, nowMs);
      }
      const rate = Math.LN2 / halfLifeMs;
      const kept = (atMs: number) => Math.exp(-rate * (nowMs - atMs));
      const wanted = used.reduce((sum, { fromMs, toMs, slots }) => sum + (slots * (kept(toMs) - kept(fromMs))) / rate / 1000, 0);
      assert.ok(Math.abs(usage.at(nowMs) - wanted) <= 1e-9 * (1 + wanted), `${usage.at(nowMs)} and ${wanted}`);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("an attempt's mean time follows the newest sixteen, and a clock that was set back takes nothing away", () => {
  const usage = new Usage();
  for (let attempt = 0; attempt < 50; attempt += 1) usage.tellAttempt(10);
  for (let attempt = 0; attempt < 50; attempt += 1) usage.tellAttempt(20);
  // What is left of the older ones is (15/16)^50 of 10 s: 0.4 s.
  assert.ok(usage.attemptSeconds > 19.5 && usage.attemptSeconds <= 20);
  usage.tell(1, 10_000);
  usage.tell(0, 20_000);
  const before = usage.at(20_000);
  usage.tell(1, 5000);
  usage.tell(0, 5000);
  assert.equal(usage.at(20_000), before);
});
