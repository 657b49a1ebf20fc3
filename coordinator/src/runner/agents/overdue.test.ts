/** The moment at which an attempt is overdue, to the millisecond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults, EndReason } from "@regulus/proto";
import { specOf } from "../testing/scripted-coordinator.js";
import { overdue } from "./overdue.js";

const endGraceMs = 1000;
const at = (nowMs: number) => ({ nowMs, endGraceMs });

test("an attempt is overdue a millisecond after its time with both graces, and never where it has no time", () => {
  const spec = specOf({ command: { argv: ["train"], stopGraceMs: 3000 }, resources: { attemptTimeout: "20s" } });
  const held = { agentId: "a", startedMs: 500, stopAskedMs: undefined };
  assert.equal(overdue(held, spec, at(500 + 24_000)), undefined);
  assert.equal(overdue(held, spec, at(500 + 24_001))?.reason, EndReason.END_REASON_TIMED_OUT);
  assert.equal(overdue(held, specOf(), at(1e15)), undefined);
});

test("a stop that is not obeyed within both graces is a loss, also before the attempt's own time", () => {
  const spec = specOf({ resources: { attemptTimeout: "1ms" } });
  const held = { agentId: "a", startedMs: 0, stopAskedMs: 7 };
  const graceMs = defaults.stopGraceMs + endGraceMs;
  assert.equal(overdue(held, specOf(), at(7 + graceMs)), undefined);
  assert.equal(overdue(held, spec, at(8 + graceMs))?.reason, EndReason.END_REASON_LOST);
});

test("an agent that sends artifacts gets more time, up to a bound, until it has sent nothing for half a minute", () => {
  const stopped = { agentId: "a", startedMs: 0, stopAskedMs: 0 };
  const timed = { agentId: "a", startedMs: 0, stopAskedMs: undefined };
  const spec = specOf({ resources: { attemptTimeout: "1ms" } });
  const most = defaults.stopGraceMs + defaults.uploadGraceMs;
  for (const [held, beganMs] of [
    [stopped, 0],
    [timed, 1],
  ] as const) {
    const seen = (nowMs: number, uploadedMs: number) => overdue(held, spec, { nowMs, endGraceMs, uploadedMs });
    assert.equal(seen(60_000, 60_000), undefined);
    assert.equal(seen(60_000, 30_000), undefined);
    assert.notEqual(seen(60_000, 29_999), undefined, "nothing was sent for too long");
    assert.equal(seen(beganMs + most, beganMs + most), undefined);
    assert.notEqual(seen(beganMs + most + 1, beganMs + most + 1), undefined, "however much it sends");
  }
});

test("built-in models have no grace of a program", () => {
  const spec = { ...specOf({ resources: { attemptTimeout: "20s" } }), command: undefined };
  const held = { agentId: "a", startedMs: 0, stopAskedMs: undefined };
  assert.equal(overdue(held, spec, at(21_000)), undefined);
  assert.notEqual(overdue(held, spec, at(21_001)), undefined);
});
