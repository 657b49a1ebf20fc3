/** The moment at which an attempt is overdue, to the millisecond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults, EndReason } from "@regulus/proto";
import { overdue } from "./overdue.js";
import { specOf } from "./testing/scripted-coordinator.js";

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

test("built-in models have no grace of a program", () => {
  const spec = { ...specOf({ resources: { attemptTimeout: "20s" } }), command: undefined };
  const held = { agentId: "a", startedMs: 0, stopAskedMs: undefined };
  assert.equal(overdue(held, spec, at(21_000)), undefined);
  assert.notEqual(overdue(held, spec, at(21_001)), undefined);
});
