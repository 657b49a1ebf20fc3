/**
 * The coordinator's Prometheus metrics. Numbers that the coordinator keeps anyway are read when they are asked for; times are observed
 * where they pass. No label holds an id of a search, a trial or an agent. docs/metrics.md names every metric, and a test holds it to that.
 */
import { status as grpcStatus, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { grpcCodes } from "@regulus/proto";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CoordinatorGauges } from "../coordinator.js";
import { type BilevelMetrics, createBilevelMetrics } from "./bilevel-metrics.js";
import type { DropReason } from "./call-guards.js";
import type { Readiness } from "./readiness.js";

/** Upper ends of the buckets of short times, in seconds: 0.25 ms to 10 s. */
const secondsBuckets = [0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const batchBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Why attempts fail, and why trials end. Preempted attempts did not fail. */
const failures = ["lost", "out_of_memory", "timed_out", "diverged", "infeasible", "user_error"];
const trialEnds = ["done", "stopped_early", ...failures];
/** How searches end. */
const outcomes = ["completed", "stopped", "failed"];
/** Why slot-seconds came to nothing. */
const wastes = ["preempted", "repeated", ...failures];
/** Why artifacts are removed. */
const removals = ["released", "left_over", "quota"];
/** Why calls are dropped; `satisfies` keeps the list whole. */
const errorCodes = Object.keys(grpcCodes);
const drops = Object.keys({ stalled_reader: true, slow_request: true, no_room: true } satisfies Record<DropReason, true>);

/** Numbers that are read when the page is asked for. */
export interface MetricSources {
  /** The coordinator's own; undefined until it has recovered. */
  readonly gauges: () => CoordinatorGauges | undefined;
  readonly readiness: Readiness;
  readonly watchers: () => { readonly count: number; readonly backlogFacts: number };
  /** The event feed's numbers; undefined where there is no feed. */
  readonly feed: () => FeedNumbers | undefined;
  readonly version: string;
}

/** What an event feed tells of itself. */
export interface FeedNumbers {
  readonly connected: boolean;
  /** Facts that are durable and not yet acknowledged by the stream, as far as is known. */
  readonly lagFacts: number;
  readonly publishedTotal: number;
  readonly failuresTotal: number;
}

/** Where times are observed, and the page. */
export interface Metrics {
  readonly registry: Registry;
  readonly appendSeconds: Histogram;
  readonly appendFacts: Histogram;
  readonly appendFailures: Counter<"code">;
  readonly proposalToStartSeconds: Histogram;
  readonly roundSeconds: Histogram;
  readonly rpcSeconds: Histogram<"method" | "code">;
  readonly rpcsOpen: Gauge<"method">;
  readonly callsDropped: Counter<"reason">;
  readonly bilevel: BilevelMetrics;
}

/** A registry with every metric of the coordinator. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  readGauges(registry, sources);
  const metrics = observed(registry);
  for (const code of errorCodes) metrics.appendFailures.inc({ code }, 0);
  for (const reason of drops) metrics.callsDropped.inc({ reason }, 0);
  return metrics;
}

function observed(registry: Registry): Metrics {
  const registers = [registry];
  return {
    registry,
    appendSeconds: new Histogram({
      name: "regulus_append_duration_seconds",
      help: "Time to make a batch of facts durable.",
      buckets: secondsBuckets,
      registers,
    }),
    appendFacts: new Histogram({
      name: "regulus_append_batch_facts",
      help: "Facts in one append to the log.",
      buckets: batchBuckets,
      registers,
    }),
    appendFailures: new Counter({
      name: "regulus_append_failures_total",
      help: "Appends that failed, by error code.",
      labelNames: ["code"],
      registers,
    }),
    proposalToStartSeconds: new Histogram({
      name: "regulus_proposal_to_start_seconds",
      help: "Time from a trial's proposal (or resumption) to the start of its next attempt, by the times of the facts.",
      buckets: [...secondsBuckets, 30, 60, 300, 1800],
      registers,
    }),
    roundSeconds: new Histogram({
      name: "regulus_round_duration_seconds",
      help: "Time of one round of the runner: decide, ask, plan, append.",
      buckets: secondsBuckets,
      registers,
    }),
    rpcSeconds: new Histogram({
      name: "regulus_rpc_duration_seconds",
      help: "Time of a call from its headers to its status, by method and gRPC status code. Streams count their whole life.",
      labelNames: ["method", "code"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    }),
    bilevel: createBilevelMetrics(registry),
    callsDropped: new Counter({
      name: "regulus_calls_dropped_total",
      help: "Calls that were dropped because their other side stalled or took too much room, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    rpcsOpen: new Gauge({
      name: "regulus_rpcs_open",
      help: "Calls that are open now, by method.",
      labelNames: ["method"],
      registers,
    }),
  };
}

/** Observes every call: its time, its status, and that it is open. */
export function rpcTimer(metrics: Pick<Metrics, "rpcSeconds" | "rpcsOpen">): ServerInterceptor {
  return (definition, call) => {
    const method = definition.path.slice(1);
    const stop = metrics.rpcSeconds.startTimer({ method });
    metrics.rpcsOpen.inc({ method });
    let open = true;
    const finish = (code: string): void => {
      if (!open) return;
      open = false;
      metrics.rpcsOpen.dec({ method });
      stop({ code });
    };
    return new ServerInterceptingCall(call, {
      // Also called where gRPC itself ended the call: past its deadline, or with a message that was too long.
      start: (next) => next({ onCancel: () => finish("CANCELLED") }),
      sendStatus: (answer, next) => {
        finish(grpcStatus[answer.code ?? grpcStatus.UNKNOWN] ?? "UNKNOWN");
        next(answer);
      },
    });
  };
}

function readGauges(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const byLabel = (
    kind: typeof Gauge<string> | typeof Counter<string>,
    metric: { readonly name: string; readonly help: string; readonly label: string },
    read: () => Readonly<Record<string, number>>,
  ): void => {
    new kind({
      name: metric.name,
      help: metric.help,
      labelNames: [metric.label],
      registers,
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) this.inc({ [metric.label]: value }, count);
      },
    });
  };
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const { gauges, feed } = sources;

  byLabel(Gauge, { name: "regulus_build_info", help: "1, with the version as a label.", label: "version" }, () => ({
    [sources.version]: 1,
  }));
  gauge("regulus_ready", "1 while the coordinator serves, 0 while it recovers, closes or can't write its log.", () =>
    sources.readiness.ready ? 1 : 0,
  );
  gauge("regulus_searches_active", "Searches that are not over.", () => gauges()?.searchesActive ?? 0);
  byLabel(Gauge, { name: "regulus_trials", help: "Trials that are not over, by status.", label: "status" }, () => ({
    pending: gauges()?.trialsPending ?? 0,
    running: gauges()?.trialsRunning ?? 0,
  }));
  gauge("regulus_agents_connected", "Agents that are connected.", () => gauges()?.agentsConnected ?? 0);
  byLabel(Gauge, { name: "regulus_slots", help: "Slots of the connected agents, by state.", label: "state" }, () => ({
    used: gauges()?.slotsUsed ?? 0,
    free: Math.max(0, (gauges()?.slotsTotal ?? 0) - (gauges()?.slotsUsed ?? 0)),
  }));
  counter("regulus_facts_appended_total", "Facts made durable since the start.", () => gauges()?.factsAppendedTotal ?? 0);
  counter("regulus_appends_total", "Appends to the log since the start.", () => gauges()?.appendsTotal ?? 0);
  counter(
    "regulus_reports_refused_total",
    "Reports of attempts that were no longer current.",
    () => gauges()?.reportsRefusedTotal ?? 0,
  );
  counter("regulus_attempts_started_total", "Attempts started since the start.", () => gauges()?.attemptsStartedTotal ?? 0);
  counter(
    "regulus_agents_avoided_total",
    "Times that a search began to keep off an agent on which its trials fail and elsewhere do not.",
    () => gauges()?.agentsAvoidedTotal ?? 0,
  );
  byLabel(
    Counter,
    { name: "regulus_searches_ended_total", help: "Searches that ended since the start, by outcome.", label: "outcome" },
    () => ({ ...zeros(outcomes), ...byReason(gauges()?.searchesEndedTotal) }),
  );
  byLabel(
    Counter,
    { name: "regulus_trials_ended_total", help: "Trials that ended since the start, by reason.", label: "reason" },
    () => ({ ...zeros(trialEnds), ...byReason(gauges()?.trialsEndedTotal) }),
  );
  byLabel(
    Counter,
    {
      name: "regulus_attempts_failed_total",
      help: "Attempts that failed and left their trial to be retried, by reason.",
      label: "reason",
    },
    () => {
      // An attempt that made room for something else did not fail.
      const { preempted: _, ...failed } = byReason(gauges()?.attemptsFailedTotal);
      return { ...zeros(failures), ...failed };
    },
  );
  counter("regulus_slot_seconds_total", "Slot-seconds spent since the start.", () => gauges()?.slotSecondsTotal ?? 0);
  byLabel(
    Counter,
    { name: "regulus_slot_seconds_wasted_total", help: "Slot-seconds whose work came to nothing, by reason.", label: "reason" },
    () => ({ ...zeros(wastes), ...gauges()?.wastedSlotSecondsTotal }),
  );
  for (const [what, of] of [
    ["artifacts", "artifactsRemovedTotal"],
    ["artifact_bytes", "artifactBytesRemovedTotal"],
  ] as const) {
    const help = `${what === "artifacts" ? "Artifacts" : "Bytes of artifacts"} removed from the store since the start, by cause.`;
    byLabel(Counter, { name: `regulus_${what}_removed_total`, help, label: "cause" }, () => ({
      ...zeros(removals),
      ...gauges()?.[of],
    }));
  }
  gauge("regulus_watchers", "Open watches.", () => sources.watchers().count);
  gauge("regulus_watch_backlog_facts", "Durable facts that open watches have not been handed yet, summed.", () => {
    return sources.watchers().backlogFacts;
  });
  gauge("regulus_feed_connected", "1 while the event feed is connected to NATS; 0 without a feed.", () =>
    feed()?.connected ? 1 : 0,
  );
  gauge("regulus_feed_lag_facts", "Durable facts that the event stream has not acknowledged.", () => feed()?.lagFacts ?? 0);
  counter("regulus_feed_published_total", "Facts that the event stream acknowledged.", () => feed()?.publishedTotal ?? 0);
  counter("regulus_feed_failures_total", "Times that publishing to the event stream failed.", () => feed()?.failuresTotal ?? 0);
}

/** Every value of a label at 0, so that a rate sees the first burst: a series that begins at 5 has not risen. */
function zeros(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(values.map((value) => [value, 0]));
}

/** Reasons and outcomes as label values: `END_REASON_OUT_OF_MEMORY` is `out_of_memory`. */
function byReason(counts: Readonly<Record<string, number>> = {}): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [reason, count] of Object.entries(counts)) {
    const name = reason
      .replace(/^(END_REASON|SEARCH_OUTCOME)_/, "")
      .replaceAll("-", "_")
      .toLowerCase();
    named[name] = (named[name] ?? 0) + count;
  }
  return named;
}
