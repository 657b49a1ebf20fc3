/**
 * The metrics: docs/metrics.md names exactly those that are exported, the dashboard and the rules ask for no others, a real Prometheus
 * scrapes them while a search runs, and promtool takes the rules.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Fact, RegulusError } from "@regulus/proto";
import { pino } from "pino";
import { Counter } from "prom-client";
import { openMemoryLog } from "../log/memory-log.js";
import type { EventLog } from "../ports.js";
import { createMetrics } from "./metrics.js";
import { startMetricsPage } from "./metrics-page.js";
import { observedLog, RoundTimer } from "./observed-log.js";
import { Readiness } from "./readiness.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { callRaw, openDoors, validSpec } from "./testing/open-doors.js";
import { answersOk, eventually, freePort, prometheus, scratchFolder } from "./testing/real-servers.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const rules = join(root, "deploy/prometheus/rules.yaml");

const parts = await coordinatorForTests();
const doors = await openDoors(parts);
after(async () => {
  await doors.close();
  await parts.close();
});

/** Names in the first column of the tables of docs/metrics.md, of the coordinator's section. */
function documented(): string[] {
  const section =
    read("docs/metrics.md")
      .split(/^## /m)
      .find((part) => part.startsWith("Coordinator")) ?? "";
  return [...section.matchAll(/^\| `([a-z0-9_]+)` +\|/gm)].map((match) => match[1] ?? "");
}

/** Names of metrics in a PromQL expression. */
const asked = (expression: string): string[] =>
  [...expression.matchAll(/\b((?:regulus|process|nodejs)_[a-z0-9_]+)/g)].map((match) =>
    (match[1] ?? "").replace(/_(bucket|sum|count)$/, ""),
  );

test("docs/metrics.md names exactly the metrics that are exported, with their types and labels", () => {
  const exported = doors.metrics.registry.getMetricsAsArray();
  assert.deepEqual(documented().sort(), exported.map((metric) => metric.name).sort());
  const rows = read("docs/metrics.md");
  for (const metric of exported) {
    const [, type = "", labels = ""] = new RegExp(`^\\| \`${metric.name}\` +\\| (\\w+) +\\|([^|]*)\\|`, "m").exec(rows) ?? [];
    assert.equal(type, metric.constructor.name.toLowerCase(), metric.name);
    const named = [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1]);
    assert.deepEqual(named, "labelNames" in metric ? metric.labelNames : [], `labels of ${metric.name}`);
  }
});

test("the dashboard and the rules ask only for documented metrics, and the dashboard shows every one of ours that is for people", () => {
  const known = new Set(documented());
  const dashboard: unknown = JSON.parse(read("deploy/grafana/regulus.json"));
  const expressions = (at: unknown): string[] => {
    if (Array.isArray(at)) return at.flatMap(expressions);
    if (typeof at !== "object" || at === null) return [];
    return Object.entries(at).flatMap(([name, value]) =>
      (name === "expr" || name === "query") && typeof value === "string" ? [value] : expressions(value),
    );
  };
  const inDashboard = expressions(dashboard).flatMap(asked);
  const inRules = [...read("deploy/prometheus/rules.yaml").matchAll(/expr:([\s\S]*?)(?=\n\s+(?:for|- |labels|#|$))/g)].flatMap(
    (match) => asked(match[1] ?? ""),
  );
  assert.ok(inDashboard.length > 30 && inRules.length > 10, "expressions were found");
  assert.deepEqual(
    [...inDashboard, ...inRules].filter((name) => !known.has(name)),
    [],
  );
  const forPeople = [
    "regulus_trials",
    "regulus_searches_ended_total",
    "regulus_trials_ended_total",
    "regulus_slots",
    "regulus_agents_connected",
    "regulus_attempts_failed_total",
  ];
  for (const name of forPeople) assert.ok(inDashboard.includes(name), `the dashboard shows ${name}`);
});

test("each counter has every value of its labels from the start, at 0, and docs/metrics.md names them", async () => {
  const watchers = () => ({ count: 0, backlogFacts: 0 });
  const sources = { gauges: () => undefined, readiness: new Readiness(), watchers, feed: () => undefined, version: "1" };
  const rows = read("docs/metrics.md").split("\n");
  for (const metric of createMetrics(sources).registry.getMetricsAsArray()) {
    if (!(metric instanceof Counter) || !metric.name.startsWith("regulus_")) continue;
    const { values } = await metric.get();
    const [label] = Object.keys(values[0]?.labels ?? {});
    if (label === undefined && values.length === 1) continue;
    assert.ok(values.length > 1 && values.every(({ value }) => value === 0), metric.name);
    const row = rows.find((line) => line.startsWith(`| \`${metric.name}\` `)) ?? "";
    const told = values.map(({ labels }) => String(labels[label ?? ""]));
    // Error codes are documented with the errors; of these the page names some.
    const missing = told.filter((value) => !new RegExp(`\\b${value}\\b`).test(row));
    assert.ok(label === "code" ? missing.length < told.length : missing.length === 0, `${metric.name} lacks ${missing}`);
  }
});

test("every panel's title says what is counted and in what unit, and shares stay between 0 and 1", () => {
  interface Panel {
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
    readonly targets?: readonly { readonly expr: string }[];
  }
  const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(read("deploy/grafana/regulus.json"));
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, "two panels have one title");
  const words: Readonly<Record<string, RegExp>> = {
    s: /seconds$/,
    ops: /per second/,
    bytes: /bytes$/,
    percentunit: /share of/,
    sci: /p10 to p90$/,
  };
  for (const { title, description = "", fieldConfig, targets = [] } of panels) {
    const unit = fieldConfig?.defaults.unit ?? "";
    assert.match(title, words[unit] ?? /./, unit);
    assert.ok(description !== "" && targets.length > 0, title);
    for (const { expr } of targets) {
      const isRate = /^(sum|clamp\(sum)?( by \(\w+\) )?\(?rate\(/.test(expr) && !expr.includes("process_cpu");
      if (isRate && unit !== "percentunit") assert.match(title, /per second/, expr);
      if (expr.includes("increase(")) assert.match(title, /last hour/, expr);
      if (expr.includes("wasted") && expr.includes(" / ")) assert.match(expr, /^clamp\(.*, 0, 1\)$/);
    }
  }
});

test("a search that ends is counted by its outcome, once", async () => {
  const fresh = await coordinatorForTests();
  const { metrics, close } = await openDoors(fresh);
  try {
    const { searchId } = await fresh.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
    await fresh.coordinator.stopSearch(searchId, "");
    await fresh.coordinator.stopSearch(searchId, "").catch(() => undefined);
    const page = await metrics.registry.metrics();
    for (const [outcome, count] of Object.entries({ completed: 0, stopped: 1, failed: 0 })) {
      assert.ok(page.includes(`\nregulus_searches_ended_total{outcome="${outcome}"} ${count}\n`), outcome);
    }
    assert.match(page, /^regulus_searches_active 0$/m);
  } finally {
    await close();
    await fresh.close();
  }
});

test("promtool takes the rules, and they fire when they should", () => {
  const run = (...args: string[]): string =>
    execFileSync("promtool", args, { encoding: "utf8", cwd: join(root, "deploy/prometheus") });
  assert.match(run("check", "rules", rules), /SUCCESS: 14 rules found/);
  run("test", "rules", "rules.test.yaml");
  run("check", "config", "prometheus.yaml");
});

test("a real Prometheus scrapes the page, and its rules see what it scraped", async () => {
  const log = pino({ level: "silent" });
  const { metrics, readiness } = doors;
  const page = await startMetricsPage({ listen: { host: "127.0.0.1", port: 0 }, metrics, readiness, log });
  await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
  await callRaw(doors.client, { path: "/regulus.v1.SearchService/ListAgents", requestStream: false, responseStream: false }, [
    new Uint8Array(),
  ]);
  const scratch = scratchFolder();
  const web = await freePort();
  const server = prometheus(scratch.path, { web }, page.address, rules);
  const url = `http://127.0.0.1:${web}`;
  try {
    await server.start(() => answersOk(`${url}/-/ready`));
    const query = async (expression: string): Promise<number | undefined> => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const body = JSON.stringify(await response.json());
      const value = /"value":\[[\d.]+,"([^"]+)"\]/.exec(body)?.[1];
      return value === undefined ? undefined : Number(value);
    };
    assert.equal(await eventually("the first scrape", () => query("regulus_searches_active"), [server]), 1);
    assert.equal(await query('regulus_trials{status="pending"}'), 2);
    assert.equal(await query("regulus_ready"), 1);
    assert.equal(await eventually("the target is up", () => query('up{job="regulus-coordinator"} == 1'), [server]), 1);
    const calls = 'regulus_rpc_duration_seconds_count{method="regulus.v1.SearchService/ListAgents",code="OK"}';
    assert.equal(await query(calls), 1);
    const waiting = 'ALERTS{alertname="RegulusNoAgents",alertstate="pending"}';
    assert.equal(await eventually("the alert that no agent is there waits for its time", () => query(waiting), [server]), 1);
  } finally {
    await server.kill();
    await page.close();
    scratch.remove();
  }
});

test("the page answers what operators ask, and nothing else", async () => {
  const readiness = new Readiness();
  const options = { listen: { host: "127.0.0.1", port: 0 }, metrics: doors.metrics, log: pino({ level: "silent" }) };
  const page = await startMetricsPage({ ...options, readiness });
  const get = async (path: string, method = "GET"): Promise<[number, string]> => {
    const response = await fetch(`http://${page.address}${path}`, { method });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await get("/healthz"), [200, "alive\n"]);
  assert.deepEqual(await get("/readyz"), [503, "not ready: recovering\n"]);
  readiness.set("recovering", false);
  assert.deepEqual(await get("/readyz"), [200, "ready\n"]);
  assert.equal((await get("/metrics", "POST"))[0], 405);
  assert.equal((await get("/other"))[0], 404);
  const port = Number(page.address.split(":")[1]);
  await assert.rejects(
    startMetricsPage({ ...options, readiness, listen: { host: "127.0.0.1", port } }),
    /--metrics-listen: port \d+ .* is in use/,
  );
  await assert.rejects(startMetricsPage({ ...options, readiness, listen: { host: "0.0.0.0", port: 0 } }), /needs TLS/);
  await page.close();
});

test("the log's observations: batches, start latency, rounds, and a disk that is full", async () => {
  const metrics = doors.metrics;
  const readiness = new Readiness();
  readiness.set("recovering", false);
  let full = false;
  const inner = openMemoryLog();
  const disk: EventLog = {
    append: async (batch) => {
      if (full) throw new RegulusError("exhausted", "no space");
      await inner.append(batch);
    },
    read: (searchId, from, options) => inner.read(searchId, from, options),
    searches: () => inner.searches(),
    remove: (searchId) => inner.remove(searchId),
    close: () => inner.close(),
  };
  const rounds: number[] = [];
  const timer = new RoundTimer((seconds) => rounds.push(seconds));
  const log = observedLog(disk, { metrics, readiness, rounds: timer });
  const fact = (position: number, timeMs: number, kind: Fact["kind"]): Fact => ({ searchId: "s", position, timeMs, kind });
  const proposed = fact(1, 1000, { $case: "trialProposed", value: { trial: 0, work: undefined } });
  const started = fact(2, 1250, { $case: "attemptStarted", value: { trial: 0, attempt: 1, agentId: "a", fromStep: 0 } });
  // A retry is no start of a proposal.
  const again = fact(3, 9000, { $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "a", fromStep: 0 } });
  let appended: Promise<void> = Promise.resolve();
  timer.run(() => {
    appended = log.append([{ searchId: "s", expected: 0, facts: [proposed, started, again] }]);
  });
  await appended;
  timer.run(() => undefined);
  assert.equal(rounds.length, 2, "a round with an append and one without");
  const text = await metrics.registry.getSingleMetricAsString("regulus_proposal_to_start_seconds");
  assert.match(text, /_sum 0\.25\n/);
  assert.match(text, /_count 1\n?/);

  const measurement = {
    step: 1,
    metrics: {},
    learned: {},
    scales: { a: 0.02, b: 0.4 },
    hypergradients: { a: 3, b: 4 },
    vectors: {},
    seconds: 0,
  };
  const stepped = (accepted: boolean, gradientNorm: number): Fact["kind"] => {
    return {
      $case: "strategyStepped",
      value: { step: 1, accepted, metrics: { gradientNorm, accuracy: 1e-5 }, vectors: {}, message: "" },
    };
  };
  const found: Fact["kind"] = { $case: "findingReported", value: { source: "x", severity: "odd", message: "" } };
  const bilevel = [
    { $case: "trialMeasured", value: { trial: 0, attempt: 2, measurement } } satisfies Fact["kind"],
    stepped(true, 2),
  ];
  const kinds = [...bilevel, stepped(false, Number.NaN), found];
  await log.append([
    { searchId: "b", expected: 0, facts: kinds.map((kind, index) => ({ ...fact(index + 1, 1, kind), searchId: "b" })) },
  ]);
  const page = await metrics.registry.metrics();
  for (const line of [
    'regulus_hypergradient_norm_sum{of="self_tuning"} 5',
    'regulus_hypergradient_norm_sum{of="strategy"} 2',
    'regulus_hypergradients_not_finite_total{of="strategy"} 1',
    'regulus_perturbation_scale_bucket{le="0.03"} 1',
    "regulus_perturbation_scale_count 2",
    'regulus_strategy_steps_total{outcome="accepted"} 1',
    'regulus_strategy_steps_total{outcome="refused"} 1',
    "regulus_strategy_accuracy_count 2",
    'regulus_findings_total{severity="other"} 1',
  ]) {
    assert.ok(page.includes(`\n${line}\n`), line);
  }

  full = true;
  const more = [fact(4, 1, { $case: "searchResumed", value: {} })];
  await assert.rejects(log.append([{ searchId: "s", expected: 3, facts: more }]), { code: "exhausted" });
  assert.deepEqual(readiness.obstacles, ["log can't be written"]);
  full = false;
  await log.append([{ searchId: "s", expected: 3, facts: more }]);
  assert.ok(readiness.ready);
  await log.close();
});
