/** Numbers that a search's state keeps as it goes, against a plain recount of all of its facts: after any commands, reports, pauses and retries. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
import fc from "fast-check";
import { stepsAhead } from "./steps-ahead.js";
import { lived, openActs } from "./testing/lived-search.js";
import { nowMs, SearchAt } from "./testing/search-at.js";
import { halfLifeMs } from "./usage.js";

/** An attempt: from when to when, or to the newest fact about its trial where it goes on. */
interface Attempt {
  readonly trial: number;
  readonly fromMs: number;
  toMs: number | undefined;
  newestMs: number;
}

function attemptsOf(facts: readonly Fact[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { kind, timeMs } of facts) {
    if (kind === undefined || !("trial" in kind.value)) continue;
    const { trial } = kind.value;
    if (kind.$case === "attemptStarted")
      attempts.push({ trial: kind.value.trial, fromMs: timeMs, toMs: undefined, newestMs: timeMs });
    const open = attempts.find((attempt) => attempt.trial === trial && attempt.toMs === undefined);
    if (open === undefined) continue;
    open.newestMs = timeMs;
    if (kind.$case === "attemptEnded" || kind.$case === "trialEnded" || kind.$case === "trialPaused") open.toMs = timeMs;
  }
  return attempts;
}

/** The status that the newest of a trial's facts gives it, and the order in which trials became pending. */
function statusesOf(facts: readonly Fact[]): Map<number, string> {
  const statuses = new Map<number, string>();
  for (const { kind } of facts) {
    if (kind === undefined || !("trial" in kind.value) || kind.value.trial === undefined) continue;
    const status = {
      ...{ trialProposed: "pending", trialResumed: "pending", trialRetried: "pending", attemptEnded: "pending" },
      ...{ attemptStarted: "running", trialPaused: "paused", trialEnded: "ended" },
    }[kind.$case as string];
    if (status === undefined || statuses.get(kind.value.trial) === status) continue;
    statuses.delete(kind.value.trial);
    statuses.set(kind.value.trial, status);
  }
  return statuses;
}

/** Steps, each counted once: what a trial did beyond what it had done or begun from. */
function stepsOf(facts: readonly Fact[]): number {
  const done = new Map<number, number>();
  const saved = new Map<number, number>();
  let steps = 0;
  const reach = (trial: number, step: number | undefined, counts: boolean) => {
    const before = done.get(trial) ?? 0;
    if (step === undefined || step <= before) return;
    done.set(trial, step);
    if (counts) steps += step - before;
  };
  for (const { kind } of facts) {
    if (kind?.$case === "trialMeasured") reach(kind.value.trial, kind.value.measurement?.step, true);
    else if (kind?.$case === "trialEnded") reach(kind.value.trial, kind.value.final?.step, true);
    else if (kind?.$case === "trialPaused") reach(kind.value.trial, kind.value.step, true);
    else if (kind?.$case === "trialCheckpointed") {
      reach(kind.value.trial, kind.value.step, true);
      saved.set(kind.value.trial, kind.value.step);
    } else if (kind?.$case === "trialProposed" || kind?.$case === "trialResumed" || kind?.$case === "trialRetried") {
      const { trial, work } = kind.value;
      if (work?.fromTrial !== undefined) reach(trial, saved.get(work.fromTrial), false);
    }
  }
  return steps;
}

/** Slot-seconds of two slots an attempt, each millisecond halved by its age. */
function usageOf(attempts: readonly Attempt[], atMs: number): number {
  const rate = Math.LN2 / halfLifeMs;
  const kept = (ms: number) => Math.exp(-rate * (atMs - ms));
  return attempts.reduce((sum, { fromMs, toMs = atMs }) => sum + (2 * (kept(toMs) - kept(fromMs))) / rate / 1000, 0);
}

function ranOf(facts: readonly Fact[], atMs: number): number {
  let [ran, since]: [number, number | undefined] = [0, facts[0]?.timeMs];
  for (const { kind, timeMs } of facts) {
    if (kind?.$case === "searchPaused" && since !== undefined) [ran, since] = [ran + timeMs - since, undefined];
    if (kind?.$case === "searchResumed") since ??= timeMs;
  }
  return since === undefined ? ran : ran + atMs - since;
}

const near = (seen: number, wanted: number, what: string) =>
  assert.ok(Math.abs(seen - wanted) <= 1e-6 * (1 + Math.abs(wanted)), `${what}: ${seen}, recounted ${wanted}`);

test("counts, order, steps, cost, usage and running time are those of a recount", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(openActs, fc.constantFrom("command", "fit"), (acts, procedure) => {
      const { state, facts, timeMs } = lived(acts, procedure);
      for (const { kind } of facts) seen.add(kind?.$case ?? "");
      const statuses = statusesOf(facts);
      const numbers = (wanted: string) => [...statuses].flatMap(([trial, status]) => (status === wanted ? [trial] : []));
      assert.deepEqual([...state.pending], numbers("pending"), "who waits longest stands first");
      assert.deepEqual([...state.running], numbers("running"));
      const { counts, slotSeconds, wastedSlotSeconds } = state.view();
      assert.equal(counts?.paused, numbers("paused").length);
      const ends = new Map(
        facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [[kind.value.trial, kind.value.reason]] : [])),
      );
      const ended = numbers("ended").map((trial) => ends.get(trial));
      const count = (...reasons: readonly EndReason[]) =>
        ended.filter((one) => one !== undefined && reasons.includes(one)).length;
      const results = [EndReason.END_REASON_DIVERGED, EndReason.END_REASON_INFEASIBLE] as const;
      assert.equal(state.done, count(EndReason.END_REASON_DONE));
      assert.equal(state.stopped, count(EndReason.END_REASON_STOPPED_EARLY));
      assert.equal(state.failed, ended.length - state.done - state.stopped);
      assert.equal(state.failures, state.failed - count(...results));
      assert.equal(state.nextTrial, statuses.size);
      for (const number of [-1, 0.5, statuses.size]) assert.ok(!state.knows(number));
      assert.ok([...statuses.keys()].every((number) => state.knows(number)));
      assert.equal(state.steps, stepsOf(facts), "steps");
      assert.equal(
        state.saves,
        facts.some(({ kind }) => kind?.$case === "trialCheckpointed"),
      );
      const attempts = attemptsOf(facts);
      const heldMs = attempts.reduce((sum, { fromMs, toMs, newestMs }) => sum + (toMs ?? newestMs) - fromMs, 0);
      near(slotSeconds, (2 * heldMs) / 1000, "slot-seconds");
      assert.ok(wastedSlotSeconds >= 0 && wastedSlotSeconds <= slotSeconds + 1e-9);
      near(state.usage.at(timeMs), usageOf(attempts, timeMs), "usage");
      const over = attempts.flatMap(({ fromMs, toMs }) => (toMs === undefined ? [] : [(toMs - fromMs) / 1000]));
      if (over.length <= 16)
        near(state.usage.attemptSeconds, over.reduce((a, b) => a + b, 0) / Math.max(1, over.length), "an attempt");
      assert.equal(state.usage.startedMs, attempts.at(-1)?.fromMs ?? 0, "its newest slot");
      assert.equal(state.time.at(timeMs), ranOf(facts, timeMs), "wall time");
      const ahead = [...state.live.values()].filter(({ status }) => status !== "paused");
      assert.equal(
        stepsAhead(state),
        ahead.reduce((sum, { work, step }) => sum + Math.max(0, work.untilStep - step), 0),
      );
      const kept = facts.filter(({ kind }) => kind?.$case === "findingReported" && kind.value.key !== undefined);
      assert.equal(kept.length, state.told.size, "what is told once is told once");
    }),
    { numRuns: 150 },
  );
  for (const kind of ["trialRetried", "trialResumed", "trialPaused", "attemptEnded", "searchPaused", "trialEnded"])
    assert.ok(seen.has(kind), `${kind} came to pass`);
});

test("the clock of a search begins with its creation", () => {
  assert.equal(new SearchAt().state.time.at(nowMs + 5), 5);
});
