/** What the log's observer and the page make of what passes: each number from its own source, each wait once, each failure by its code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, Fact, RegulusError } from "@regulus/proto";
import { Registry } from "prom-client";
import type { CoordinatorGauges } from "../coordinator.js";
import { openMemoryLog } from "../log/memory-log.js";
import type { EventLog } from "../ports.js";
import { createBilevelMetrics } from "./bilevel-metrics.js";
import { createMetrics } from "./metrics.js";
import { observedLog, RoundTimer } from "./observed-log.js";
import { Readiness } from "./readiness.js";

const noFeed = { gauges: () => undefined, watchers: () => ({ count: 0, backlogFacts: 0 }), feed: () => undefined, version: "1" };

/** A log that is observed, and what its appends fail with. */
function begin() {
  const readiness = new Readiness();
  readiness.set("recovering", false);
  const metrics = createMetrics({ ...noFeed, readiness });
  const inner = openMemoryLog();
  const at: { fault: unknown } = { fault: undefined };
  const rounds: number[] = [];
  const timer = new RoundTimer((seconds) => void rounds.push(seconds));
  const faulty: EventLog = {
    append: async (batch) => {
      if (at.fault !== undefined) throw at.fault;
      await inner.append(batch);
    },
    read: (searchId, after, options) => inner.read(searchId, after, options),
    searches: () => inner.searches(),
    remove: (searchId) => inner.remove(searchId),
    close: () => inner.close(),
  };
  const log = observedLog(faulty, { metrics, readiness, rounds: timer });
  const positions = new Map<string, number>();
  const happen = async (searchId: string, ...kinds: readonly (readonly [timeMs: number, kind: Fact["kind"]])[]) => {
    const expected = positions.get(searchId) ?? 0;
    const facts = kinds.map(([timeMs, kind], index) => ({ searchId, position: expected + 1 + index, timeMs, kind }));
    await log.append([{ searchId, expected, facts }]);
    positions.set(searchId, expected + facts.length);
  };
  const value = async (line: string): Promise<number> => {
    const text = await metrics.registry.metrics();
    const found = text.split("\n").find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length + 1) ?? Number.NaN);
  };
  return { log, inner, at, readiness, rounds, timer, happen, value };
}

const proposed = (trial: number): Fact["kind"] => ({ $case: "trialProposed", value: { trial, work: undefined } });
const resumed = (trial: number): Fact["kind"] => ({ $case: "trialResumed", value: { trial, work: undefined } });
const retried = (trial: number): Fact["kind"] => Fact.fromPartial({ kind: { $case: "trialRetried", value: { trial } } }).kind;
const started = (trial: number): Fact["kind"] => ({
  $case: "attemptStarted",
  value: { trial, attempt: 1, agentId: "a", fromStep: 0 },
});
const ended = (trial: number): Fact["kind"] =>
  Fact.fromPartial({ kind: { $case: "trialEnded", value: { trial, reason: EndReason.END_REASON_DONE } } }).kind;
const over: Fact["kind"] = Fact.fromPartial({ kind: { $case: "searchEnded", value: {} } }).kind;
const waits = "regulus_proposal_to_start_seconds";

test("a trial's wait is timed from its newest proposal, resumption or retry to the next start, once", async () => {
  const at = begin();
  await at.happen("s", [1000, proposed(0)], [1000, proposed(1)], [3000, started(0)]);
  assert.deepEqual([await at.value(`${waits}_count`), await at.value(`${waits}_sum`)], [1, 2]);
  await at.happen("s", [9000, started(0)]);
  assert.equal(await at.value(`${waits}_count`), 1, "a retry of an attempt is no start of a proposal");
  await at.happen("s", [10_000, resumed(0)], [10_500, started(0)], [11_000, retried(0)], [11_250, started(0)]);
  assert.deepEqual([await at.value(`${waits}_count`), await at.value(`${waits}_sum`)], [3, 2.75]);
  await at.happen("s", [20_000, ended(1)], [30_000, started(1)]);
  assert.equal(await at.value(`${waits}_count`), 3, "what ended before it began never waited to its end");
  await at.happen("s", [40_000, proposed(2)], [39_000, started(2)]);
  assert.deepEqual(
    [await at.value(`${waits}_count`), await at.value(`${waits}_sum`)],
    [4, 2.75],
    "a clock that was set back counts nothing",
  );
});

test("a search that ends or is removed leaves no waits behind, and its number of another search is another one", async () => {
  const at = begin();
  await at.happen("s", [1000, proposed(0)]);
  await at.happen("t", [1000, proposed(0)], [2000, over], [3000, started(0)]);
  assert.equal(await at.value(`${waits}_count`), 0);
  await at.happen("s", [3000, started(0)], [4000, proposed(1)]);
  assert.equal(await at.value(`${waits}_count`), 1);
  await at.log.remove("s");
  assert.deepEqual(await at.inner.searches(), ["t"]);
  await at.happen("t", [5000, started(1)]);
  assert.equal(await at.value(`${waits}_count`), 1);
});

test("an append is counted with its facts once it is durable; one that failed by its code, and only a log's own failures are told", async () => {
  const at = begin();
  await at.happen("s", [1, over], [2, over], [3, over]);
  assert.deepEqual(
    [await at.value("regulus_append_batch_facts_sum"), await at.value("regulus_append_duration_seconds_count")],
    [3, 1],
  );
  const failing = async (fault: unknown): Promise<readonly string[]> => {
    at.at.fault = fault;
    await assert.rejects(at.happen("s", [4, over]), (thrown) => thrown === fault);
    return at.readiness.obstacles;
  };
  assert.deepEqual(await failing(new RegulusError("conflict", "x")), []);
  assert.deepEqual(await failing(new TypeError("bug")), []);
  for (const code of ["exhausted", "unavailable", "data-loss"] as const) {
    assert.deepEqual(await failing(new RegulusError(code, "x")), ["log can't be written"], code);
    at.at.fault = undefined;
    await at.happen("s", [4, over]);
    assert.deepEqual(at.readiness.obstacles, []);
    assert.equal(await at.value(`regulus_append_failures_total{code="${code}"}`), 1);
  }
  assert.equal(await at.value('regulus_append_failures_total{code="conflict"}'), 1);
  assert.equal(await at.value('regulus_append_failures_total{code="internal"}'), 1);
  assert.deepEqual(
    [await at.value("regulus_append_batch_facts_sum"), await at.value("regulus_append_duration_seconds_count")],
    [6, 4],
  );
});

test("a round is timed once, to the moment at which it is durable, and not at all where its append failed", async () => {
  const at = begin();
  let appended: Promise<void> = Promise.resolve();
  at.timer.run(() => {
    appended = at.happen("s", [1, over]);
  });
  assert.equal(at.rounds.length, 0);
  await appended;
  assert.equal(at.rounds.length, 1);
  at.at.fault = new RegulusError("exhausted", "x");
  at.timer.run(() => {
    appended = at.happen("s", [2, over]);
  });
  await assert.rejects(appended);
  assert.equal(at.rounds.length, 1);
  at.timer.run(() => undefined);
  assert.equal(at.rounds.length, 2);
  at.timer.appending()();
  assert.equal(at.rounds.length, 2, "an append outside of a round is none");
  assert.ok(
    at.rounds.every((seconds) => seconds >= 0 && seconds < 60),
    "in seconds",
  );
});

test("everything else passes through as it is", async () => {
  const at = begin();
  await at.happen("s", [1, over], [2, over]);
  const positions: number[] = [];
  for await (const piece of at.log.read("s", 1, { about: "search" })) positions.push(...piece.map(({ position }) => position));
  assert.deepEqual([positions, await at.log.searches()], [[2], ["s"]]);
  await at.log.close();
  await assert.rejects(at.inner.searches(), { code: "unavailable" });
});

test("each number of the page comes from its own source", async () => {
  const gauges: CoordinatorGauges = {
    searchesActive: 1,
    trialsPending: 2,
    trialsRunning: 3,
    agentsConnected: 4,
    slotsTotal: 50,
    slotsUsed: 6,
    factsAppendedTotal: 7,
    appendsTotal: 8,
    reportsRefusedTotal: 9,
    attemptsStartedTotal: 10,
    agentsAvoidedTotal: 11,
    slotSecondsTotal: 12,
    wastedSlotSecondsTotal: { repeated: 13, out_of_memory: 0.5 },
    artifactsRemovedTotal: { quota: 21 },
    artifactBytesRemovedTotal: { left_over: 22 },
    searchesEndedTotal: { SEARCH_OUTCOME_STOPPED: 14 },
    trialsEndedTotal: { END_REASON_OUT_OF_MEMORY: 15, END_REASON_STOPPED_EARLY: 16 },
    attemptsFailedTotal: { END_REASON_LOST: 17, END_REASON_PREEMPTED: 99 },
  };
  const feed = { connected: true, lagFacts: 18, publishedTotal: 19, failuresTotal: 20 };
  const readiness = new Readiness();
  const metrics = createMetrics({
    gauges: () => gauges,
    readiness,
    watchers: () => ({ count: 21, backlogFacts: 22 }),
    feed: () => feed,
    version: "1.2.3",
  });
  const page = await metrics.registry.metrics();
  const lines = new Map(
    page
      .split("\n")
      .filter((line) => line.startsWith("regulus_"))
      .map((line): [string, number] => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
  const expected: Record<string, number> = {
    'regulus_build_info{version="1.2.3"}': 1,
    regulus_ready: 0,
    regulus_searches_active: 1,
    'regulus_trials{status="pending"}': 2,
    'regulus_trials{status="running"}': 3,
    regulus_agents_connected: 4,
    'regulus_slots{state="used"}': 6,
    'regulus_slots{state="free"}': 44,
    regulus_facts_appended_total: 7,
    regulus_appends_total: 8,
    regulus_reports_refused_total: 9,
    regulus_attempts_started_total: 10,
    regulus_agents_avoided_total: 11,
    regulus_slot_seconds_total: 12,
    'regulus_slot_seconds_wasted_total{reason="repeated"}': 13,
    'regulus_slot_seconds_wasted_total{reason="out_of_memory"}': 0.5,
    'regulus_slot_seconds_wasted_total{reason="lost"}': 0,
    'regulus_artifacts_removed_total{cause="quota"}': 21,
    'regulus_artifacts_removed_total{cause="released"}': 0,
    'regulus_artifact_bytes_removed_total{cause="left_over"}': 22,
    'regulus_searches_ended_total{outcome="stopped"}': 14,
    'regulus_searches_ended_total{outcome="failed"}': 0,
    'regulus_trials_ended_total{reason="out_of_memory"}': 15,
    'regulus_trials_ended_total{reason="stopped_early"}': 16,
    'regulus_attempts_failed_total{reason="lost"}': 17,
    regulus_feed_connected: 1,
    regulus_feed_lag_facts: 18,
    regulus_feed_published_total: 19,
    regulus_feed_failures_total: 20,
    regulus_watchers: 21,
    regulus_watch_backlog_facts: 22,
  };
  for (const [line, number] of Object.entries(expected)) assert.equal(lines.get(line), number, line);
  assert.ok(!lines.has('regulus_attempts_failed_total{reason="preempted"}'), "who made room did not fail");
  readiness.set("recovering", false);
  assert.match(await metrics.registry.metrics(), /^regulus_ready 1$/m);
  assert.equal(
    (await metrics.registry.metrics()).match(/^regulus_slots\{state="used"\} 6$/gm)?.length,
    1,
    "a second look is the same",
  );
  const empty = await createMetrics({ ...noFeed, readiness }).registry.metrics();
  for (const line of ["regulus_feed_connected 0", "regulus_agents_connected 0", 'regulus_slots{state="free"} 0'])
    assert.ok(empty.includes(`\n${line}\n`), line);
});

test("bilevel facts are observed by what they are, and what is not a number is counted apart", async () => {
  const registry = new Registry();
  const metrics = createBilevelMetrics(registry);
  const measured = (hypergradients: Record<string, number>, scales: Record<string, number>): void =>
    metrics.observe(
      Fact.fromPartial({
        kind: { $case: "trialMeasured", value: { trial: 0, attempt: 1, measurement: { step: 1, hypergradients, scales } } },
      }),
    );
  const stepped = (accepted: boolean, numbers: Record<string, number>): void =>
    metrics.observe(
      Fact.fromPartial({ kind: { $case: "strategyStepped", value: { step: 1, accepted, metrics: numbers, message: "" } } }),
    );
  measured({ a: 3, b: 4 }, { x: 0.5, y: Number.NaN, z: Number.POSITIVE_INFINITY });
  measured({ a: Number.NaN }, {});
  measured({}, {});
  stepped(true, { gradientNorm: 2, accuracy: 0.5, stepLength: 0.25 });
  stepped(false, { gradientNorm: Number.POSITIVE_INFINITY, accuracy: Number.NaN, stepLength: Number.NaN });
  // A report of news is no step.
  stepped(true, {});
  for (const severity of ["info", "warning", "error", "strange", "strange"])
    metrics.observe(Fact.fromPartial({ kind: { $case: "findingReported", value: { severity } } }));
  metrics.observe(Fact.fromPartial({ kind: { $case: "searchEnded", value: {} } }));
  const page = await registry.metrics();
  for (const line of [
    'regulus_hypergradient_norm_count{of="self_tuning"} 1',
    'regulus_hypergradient_norm_sum{of="self_tuning"} 5',
    'regulus_hypergradient_norm_bucket{le="1",of="self_tuning"} 0',
    'regulus_hypergradient_norm_bucket{le="10",of="self_tuning"} 1',
    'regulus_hypergradient_norm_bucket{le="1e-8",of="self_tuning"} 0',
    'regulus_hypergradient_norm_bucket{le="10000",of="self_tuning"} 1',
    'regulus_hypergradient_norm_sum{of="strategy"} 2',
    'regulus_hypergradients_not_finite_total{of="self_tuning"} 1',
    'regulus_hypergradients_not_finite_total{of="strategy"} 1',
    "regulus_perturbation_scale_count 1",
    "regulus_strategy_accuracy_count 1",
    "regulus_strategy_accuracy_sum 0.5",
    "regulus_strategy_step_length_sum 0.25",
    "regulus_strategy_step_length_count 1",
    'regulus_strategy_steps_total{outcome="accepted"} 1',
    'regulus_strategy_steps_total{outcome="refused"} 1',
    'regulus_findings_total{severity="info"} 1',
    'regulus_findings_total{severity="warning"} 1',
    'regulus_findings_total{severity="error"} 1',
    'regulus_findings_total{severity="other"} 2',
  ])
    assert.ok(page.includes(`\n${line}\n`), line);
});
