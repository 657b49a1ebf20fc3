/** Searches as the planner sees them: what they use, want and wait for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact, type SearchSpec, Work } from "@regulus/proto";
import type { FactKind } from "../../search/commands.js";
import { specOf } from "../testing/scripted-coordinator.js";
import { SearchEntry } from "./search-entry.js";
import { waitingTrials } from "./waiting-trials.js";

/** A search that a test tells facts, at times from 0. */
function begin(more: Record<string, unknown> = {}, spec: SearchSpec = specOf(more)) {
  const created: Fact = {
    searchId: "s",
    position: 1,
    timeMs: 0,
    kind: { $case: "searchCreated", value: { spec, idempotencyKey: "" } },
  };
  const entry = new SearchEntry(created, 0);
  const tell = (timeMs: number, kind: FactKind) => void entry.add(kind, timeMs);
  const propose = (timeMs: number, trial: number) => {
    const work = Work.fromPartial({ procedure: "command", parameters: { rate: 0.5 }, untilStep: 10, final: true });
    tell(timeMs, { $case: "trialProposed", value: { trial, work } });
  };
  const start = (timeMs: number, trial: number, agentId = "a") =>
    tell(timeMs, { $case: "attemptStarted", value: { trial, attempt: 1, agentId, fromStep: 0 } });
  const planned = (nowMs: number, max = 100) => waitingTrials([entry], nowMs, max)[0];
  return { tell, propose, start, planned };
}

test("a search wants what may run at once of what it has, and uses what runs, in slots", () => {
  const at = begin({ parallelism: 3, resources: { slots: 2 }, weight: 5, priority: 7 });
  assert.equal(at.planned(0), undefined, "nothing runs or waits");
  for (const trial of [0, 1, 2, 3]) at.propose(10, trial);
  const before = at.planned(20);
  assert.deepEqual([before?.slotsUsed, before?.slotsWanted, before?.weight, before?.priority], [0, 6, 5, 7]);
  assert.deepEqual(
    before?.ready.map(({ trial }) => trial),
    [0, 1, 2],
    "the longest waiting, as many as may run",
  );
  assert.deepEqual(
    at.planned(20, 2)?.ready.map(({ trial }) => trial),
    [0, 1],
  );
  at.start(30, 0);
  at.start(30, 1);
  const after = at.planned(1030);
  assert.deepEqual([after?.slotsUsed, after?.slotsWanted, after?.ready.length], [4, 6, 1]);
  at.start(30, 2);
  const full = at.planned(1030);
  assert.deepEqual([full?.slotsUsed, full?.slotsWanted, full?.ready.length], [6, 6, 0], "it has a share while it runs");
  assert.ok((full?.slotSeconds ?? 0) > 5.9 && (full?.slotSeconds ?? 0) <= 6, `${full?.slotSeconds}`);
});

test("it waits since its oldest trial was ready or its last one started, whichever is later", () => {
  const at = begin({ parallelism: 3 });
  at.propose(1000, 0);
  assert.equal(at.planned(1500)?.waitedMs, 500);
  at.propose(2000, 1);
  assert.equal(at.planned(2500)?.waitedMs, 1500);
  at.start(3000, 0);
  assert.equal(at.planned(3400)?.waitedMs, 400);
  at.start(3500, 1);
  at.propose(5000, 2);
  assert.equal(at.planned(5700)?.waitedMs, 700);
  assert.equal(at.planned(100)?.waitedMs, 0, "a clock that was set back makes nobody wait less than nothing");
});

test("a trial that failed waits for its time, somewhere else if it can, and for no more than a minute by a clock that was set back", () => {
  const at = begin({ parallelism: 1 });
  at.propose(1000, 0);
  at.start(2000, 0, "bad");
  const reason = EndReason.END_REASON_LOST;
  at.tell(3000, { $case: "attemptEnded", value: { trial: 0, attempt: 1, reason, message: "", retryAtMs: 8000 } });
  assert.equal(at.planned(7999), undefined);
  const [ready] = at.planned(8000)?.ready ?? [];
  assert.deepEqual([ready?.trial, ready?.avoid, ready?.prefer, ready?.elsewhere], [0, "bad", "", false]);
  assert.equal(at.planned(8000 - 60_000), undefined);
  assert.equal(at.planned(8000 - 60_001)?.ready.length, 1);
});

test("a trial that failed by its program on one agent is to be tried on another one", () => {
  const at = begin({ parallelism: 1 });
  at.propose(0, 0);
  at.start(0, 0, "blamed");
  const reason = EndReason.END_REASON_USER_ERROR;
  at.tell(10, { $case: "attemptEnded", value: { trial: 0, attempt: 1, reason, message: "no file", retryAtMs: 10 } });
  const [ready] = at.planned(20)?.ready ?? [];
  assert.deepEqual([ready?.avoid, ready?.elsewhere], ["blamed", true]);
});

test("a search that is paused or over has no trial ready, and keeps its share while one still runs", () => {
  const at = begin({ parallelism: 2 });
  at.propose(0, 0);
  at.propose(0, 1);
  at.start(0, 0);
  at.tell(10, { $case: "searchPaused", value: { reason: "" } });
  assert.deepEqual([at.planned(20)?.ready, at.planned(20)?.slotsWanted], [[], 1]);
});
