import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import { testSpec } from "../testing/test-agent.js";
import { limitsOf, passedLimit } from "./attempt-limits.js";

const limits = { stepTimeoutMs: 1000, attemptTimeoutMs: 60_000, memoryBytes: 100 * 2 ** 20 };
const well = { silentMs: 0, aliveMs: 0, prepared: true, memoryBytes: 0, step: 7 };

test("an attempt within its limits continues, at the limit too", () => {
  assert.equal(passedLimit({ ...well, silentMs: 1000, aliveMs: 60_000, memoryBytes: 100 * 2 ** 20 }, limits), undefined);
  assert.equal(passedLimit({ ...well, aliveMs: 1e12 }, { ...limits, attemptTimeoutMs: 0 }), undefined, "0 is no limit");
  assert.equal(passedLimit({ ...well, memoryBytes: undefined }, limits), undefined, "what can't be read is not judged");
});

test("each limit has its reason and its message", () => {
  const of = (seen: Partial<typeof well>) => passedLimit({ ...well, ...seen }, limits);
  assert.equal(of({ silentMs: 1001 })?.reason, EndReason.END_REASON_TIMED_OUT);
  assert.match(
    of({ silentMs: 1001 })?.message ?? "",
    /no sign of life for 1s after step 7; resources.stepTimeout allows 1s; set resources: \{stepTimeout: 10s\} for longer steps/,
  );
  const slow = passedLimit({ ...well, silentMs: 120_165 }, { ...limits, stepTimeoutMs: 120_000 });
  assert.match(slow?.message ?? "", /for 2m after step 7; resources.stepTimeout allows 2m; set resources: \{stepTimeout: 20m\}/);
  assert.match(of({ aliveMs: 60_001 })?.message ?? "", /longer than 1m \(resources.attemptTimeout\)/);
  assert.equal(of({ aliveMs: 60_001 })?.reason, EndReason.END_REASON_TIMED_OUT);
  assert.match(of({ memoryBytes: 101 * 2 ** 20 })?.message ?? "", /held 101 MiB of memory at step 7; 100 MiB are allowed/);
  assert.equal(of({ memoryBytes: 101 * 2 ** 20 })?.reason, EndReason.END_REASON_OUT_OF_MEMORY);
});

test("a process that still loads is allowed more silence than a step", () => {
  assert.equal(passedLimit({ ...well, prepared: false, silentMs: 119_000 }, limits), undefined);
  const patient = { ...limits, stepTimeoutMs: 300_000 };
  assert.equal(passedLimit({ ...well, prepared: false, silentMs: 200_000 }, patient), undefined, "never less than a step");
  assert.match(
    passedLimit({ ...well, prepared: false, silentMs: 121_000 }, limits)?.message ?? "",
    /may take 2m to load; set resources: \{stepTimeout: 20m\}/,
  );
});

test("a search without limits has the contract's defaults", () => {
  assert.deepEqual(limitsOf(testSpec(), 5), { stepTimeoutMs: 120_000, attemptTimeoutMs: 0, memoryBytes: 5 });
});
