/**
 * The coordinator's command: opens the log, recovers, opens the doors, tells that it is ready, and closes in order when it is asked to.
 * What the parts are stands with them; here they are only put together.
 */
import { accessSync, constants, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limits, RegulusError } from "@regulus/proto";
import { MutualTls, type MutualTlsFiles } from "@regulus/transport";
import { destination, type Logger, pino } from "pino";
import { openDirectoryStore } from "./artifacts/directory-store.js";
import type { Coordinator } from "./coordinator.js";
import { lastGoodPositions } from "./doctor/last-good-positions.js";
import { createMetrics } from "./doors/metrics.js";
import { startMetricsPage } from "./doors/metrics-page.js";
import type { NatsFeed } from "./doors/nats-feed.js";
import { observedLog, RoundTimer } from "./doors/observed-log.js";
import { Readiness } from "./doors/readiness.js";
import { startServer } from "./doors/server.js";
import { Watchers } from "./doors/watchers.js";
import { folderMode } from "./file-modes.js";
import { boundHeapGrowth } from "./heap-growth.js";
import { LogFiles } from "./log/log-files.js";
import { reserveBytes } from "./log/reserve.js";
import { openSqliteLog } from "./log/sqlite-log.js";
import { type MainOptions, readMainOptions } from "./main-options.js";
import { createCoordinator } from "./runner/create-coordinator.js";
import { version } from "./version.js";

/** The log in the data folder. */
const logName = "log.sqlite";
/** What the process ends with. deploy/README.md says what to do about each. */
const exitCodes = { bug: 1, usage: 2, listen: 3, data: 4, log: 5, tls: 6 } as const;

/** A failure to start, with the code that the process ends with. */
class StartFailure extends Error {
  readonly exitCode: number;

  readonly code: RegulusError["code"];

  constructor(exitCode: number, cause: RegulusError) {
    super(cause.message, { cause });
    this.exitCode = exitCode;
    this.code = cause.code;
  }

  /** The same with more words. */
  saying(words: string): StartFailure {
    return new StartFailure(this.exitCode, new RegulusError(this.code, `${this.message}. ${words}`, { cause: this }));
  }
}

/** Closes one part. */
type Closing = () => Promise<void>;

async function main(): Promise<void> {
  const options = await started(exitCodes.usage, async () => readMainOptions(process.argv.slice(2)));
  if (options === undefined) return;
  const log = pino({ level: options.logLevel, name: "coordinator" }, destination({ dest: 2, sync: true }));
  stopOnBugs(log);
  // What is open, in the order in which it is closed.
  const open: Closing[] = [];
  const close = closeOnce(open, log);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    let asked = false;
    process.on(signal, () => {
      log.info({ signal }, asked ? "ends at once" : "closes");
      if (asked) process.exit(0);
      asked = true;
      void close().then(() => process.exit(0));
    });
  }
  try {
    await run(options, log, open);
  } catch (thrown) {
    await close();
    if (!(thrown instanceof StartFailure) || thrown.code !== "data-loss") throw thrown;
    throw thrown.saying(lastGoodPositions(join(options.data, logName), options.data));
  }
}

async function run(options: MainOptions, log: Logger, open: Closing[]): Promise<void> {
  const readiness = new Readiness();
  const watchers = new Watchers();
  let coordinator: Coordinator | undefined;
  let feedNumbers: (() => ReturnType<NatsFeed["numbers"]>) | undefined;
  const metrics = createMetrics({
    gauges: () => coordinator?.gauges,
    readiness,
    watchers: () => ({ count: watchers.count, backlogFacts: watchers.backlog((searchId) => positionOf(coordinator, searchId)) }),
    feed: () => feedNumbers?.(),
    version,
  });
  const { listen, metricsListen, data, leaseTimeoutMs, heartbeatEveryMs } = options;
  const tls = options.tls === undefined ? undefined : await openTls(options.tls, log);
  // First, so that /readyz tells "recovering" while a long log is read.
  const page =
    metricsListen &&
    (await started(exitCodes.listen, () => startMetricsPage({ listen: metricsListen, tls, metrics, readiness, log })));
  if (page !== undefined) open.unshift(() => page.close());

  await started(exitCodes.data, async () => assertUsable(data));
  const began = performance.now();
  const sqlite = await started(exitCodes.log, () =>
    openSqliteLog({ path: join(data, logName), reserveBytes, onWarning: (words) => log.warn(words) }),
  );
  open.unshift(() => sqlite.close());
  const artifacts = await started(exitCodes.data, async () => openDirectoryStore(join(data, "artifacts")));
  open.unshift(() => artifacts.close());
  const feed =
    options.nats === undefined
      ? undefined
      : // Its client takes a tenth of the time of a start: it is loaded where it is used.
        (await import("./doors/nats-feed.js")).startNatsFeed({
          url: options.nats,
          log: sqlite,
          cursorPath: join(data, "nats-cursors.json"),
          logger: log,
        });
  if (feed !== undefined) {
    feedNumbers = () => feed.numbers();
    open.unshift(() => feed.close());
  }
  const rounds = new RoundTimer((seconds) => metrics.roundSeconds.observe(seconds));
  const core = await started(exitCodes.log, () =>
    createCoordinator({
      log: observedLog(sqlite, { metrics, readiness, rounds }),
      artifacts,
      ...(feed === undefined ? {} : { feed }),
      version,
      heartbeatEveryMs,
      leaseTimeoutMs,
      sweepAgain: (sweep) => void setInterval(sweep, limits.sweepShortEveryMs).unref(),
      defer: (call) => void setImmediate(() => rounds.run(call)),
      notify: ({ message, fields, isWarning }) => log[isWarning ? "warn" : "info"](fields, message),
      onLogFailure: (err) => log.error({ err }, "the log refused facts; they were not announced"),
    }),
  );
  coordinator = core;
  open.unshift(() => core.close());
  log.info({ seconds: (performance.now() - began) / 1000, searchesActive: core.gauges.searchesActive }, "recovered");

  // Not before: what a recovery leaves behind is bounded, and collecting it more often makes the start longer.
  boundHeapGrowth();
  const server = await started(exitCodes.listen, () =>
    startServer({ coordinator: core, artifacts, listen, tls, log, metrics, watchers, readiness, heartbeatEveryMs }),
  );
  open.unshift(() => server.close());
  open.unshift(async () => readiness.set("closing", true));
  readiness.set("recovering", false);
  log.info({ address: server.address, metrics: page?.address, data, version }, "ready");
  const line = { ready: "coordinator", address: server.address, ...(page === undefined ? {} : { metrics: page.address }) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** TLS from its files, read again at SIGHUP. */
async function openTls(files: MutualTlsFiles, log: Logger): Promise<MutualTls> {
  const tls = await started(exitCodes.tls, async () => new MutualTls(files, Date.now()));
  const tell = (what: string): void => {
    log.info({ expires: new Date(tls.material.expiresMs).toISOString() }, what);
    for (const warning of tls.warnings) log.warn(warning);
  };
  tell("TLS files read");
  process.on("SIGHUP", () => {
    try {
      tls.reload(Date.now());
      tell("TLS files read again; new connections use them");
    } catch (thrown) {
      if (!(thrown instanceof RegulusError)) throw thrown;
      log.error(`TLS files can't be used; the old ones stay in use: ${thrown.message}`);
    }
  });
  return tls;
}

/** Runs a step of the start; an error of the world becomes a failure with the step's exit code. */
async function started<T>(exitCode: number, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    if (!(thrown instanceof RegulusError)) throw thrown;
    // An address that is refused is a wrong flag; a disk that is full is not the log's fault.
    const usage = thrown.code === "failed-precondition" && exitCode === exitCodes.listen;
    const disk = exitCode === exitCodes.log && (thrown.code === "exhausted" || thrown.code === "unavailable");
    throw new StartFailure(usage ? exitCodes.usage : disk ? exitCodes.data : exitCode, thrown);
  }
}

/** Fails where the data folder can't be made or written. */
function assertUsable(data: string): void {
  const probe = join(data, `.probe-${process.pid}`);
  try {
    mkdirSync(data, { recursive: true, mode: folderMode });
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
    // More than a block, so that a full disk shows.
    try {
      writeFileSync(probe, Buffer.alloc(16 * 1024));
    } finally {
      rmSync(probe, { force: true });
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const full = why.includes("ENOSPC") || why.includes("EDQUOT");
    // What is kept for it lets searches be stopped and deleted.
    if (full && (statSync(new LogFiles(join(data, logName)).reserve, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
    const todo = full ? "free some space" : "name a folder that can be written with --data, or fix its permissions";
    throw new RegulusError(full ? "exhausted" : "permission-denied", `--data ${data}: can't be used: ${why}; ${todo}`, { cause });
  }
}

function positionOf(coordinator: Coordinator | undefined, searchId: string): number {
  try {
    return coordinator?.getSearch(searchId).position ?? 0;
  } catch (thrown) {
    // Deleted, or the log is being read again: nothing is known of it now.
    if (thrown instanceof RegulusError) return 0;
    throw thrown;
  }
}

/** Closes everything that is open, in order, once. What fails to close is told and keeps nothing else from closing. */
function closeOnce(open: Closing[], log: Logger): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const all = async (): Promise<void> => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      await next().catch((err: unknown) => log.error({ err }, "a part did not close"));
    }
  };
  return () => {
    closing ??= all();
    return closing;
  };
}

/** A bug stops the process: the log is whole, and whoever supervises it starts it again. */
function stopOnBugs(log: Logger): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (err: unknown) => {
      log.fatal({ err }, "a bug; the log is whole, start the coordinator again");
      process.exit(exitCodes.bug);
    });
  }
}

main().catch((thrown: unknown) => {
  if (thrown instanceof StartFailure) {
    process.stderr.write(`${JSON.stringify({ level: 60, msg: thrown.message, exitCode: thrown.exitCode })}\n`);
    process.exit(thrown.exitCode);
  }
  process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
  process.exit(exitCodes.bug);
});
