/**
 * The demo: a coordinator and agents on this machine, two searches on real digits at the same budget, live progress, then a table, a
 * report and numbers. Everything runs over real gRPC on loopback; all data lies in a folder of its own that is gone afterwards.
 */
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RegulusError, type SearchSpec } from "@regulus/proto";
import { connect, type RegulusClient } from "../connect.js";
import { type Display, openDisplay } from "../display/display.js";
import { counted, formatCount, formatSeconds } from "../display/numbers.js";
import type { DisplayStream } from "../display/screen-lines.js";
import { type Cluster, startCluster } from "../processes/cluster.js";
import { readSearch } from "../report/read-search.js";
import { writeReport } from "../report/report.js";
import { resultOf, type SearchRecord } from "../report/result.js";
import { type DemoNumbers, demoNumbers, demoSentence, demoTable } from "./outcome.js";
import { demoSearches, slotsUseful } from "./searches.js";

/** Time for children to end; nothing of theirs is kept, so that it may be short. */
const closeGraceMs = 4000;

export interface DemoOptions {
  readonly seed: number;
  /** File for the numbers. */
  readonly json?: string | undefined;
  /** File for the report. */
  readonly report: string;
  /** Progress and words. Default `process.stderr`. */
  readonly stream?: DisplayStream;
  /** The searches. Default the demo's own. */
  readonly searches?: readonly SearchSpec[];
  /** Told of the cluster once it is up. */
  readonly onCluster?: (cluster: Cluster) => void;
  /** Ends the demo early, in good order. */
  readonly signal?: AbortSignal;
}

/** What a demo left. */
export interface DemoOutcome {
  readonly numbers: DemoNumbers;
  /** Path of the report. */
  readonly report: string;
  /** What went wrong with searches that did not complete, in words; empty where all did. */
  readonly failures: readonly string[];
}

/** Runs the demo. Fails with "cancelled" where it was ended early, after everything was cleaned up. */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const stream = options.stream ?? process.stderr;
  const specs = options.searches ?? (await demoSearches(options.seed));
  const folder = await mkdtemp(join(tmpdir(), "regulus-demo-"));
  const removeNow = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeNow);
  let cluster: Cluster | undefined;
  let client: RegulusClient | undefined;
  let died: unknown;
  const stop = new AbortController();
  try {
    cluster = await start({ folder, specs, stream, signal: options.signal });
    cluster.broken.catch((error: unknown) => {
      died = error;
      stop.abort();
    });
    options.onCluster?.(cluster);
    client = connect(cluster.address);
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    const records = await runSearches({ client, specs, stream, signal });
    return await present(records, options);
  } catch (thrown) {
    const words = "stopped before the end; every process was ended and their data removed";
    if (options.signal?.aborted) throw new RegulusError("cancelled", words, { cause: thrown });
    // What a call says after a process has died is only the echo of it.
    throw RegulusError.from(died ?? thrown);
  } finally {
    client?.close();
    await cluster?.close(closeGraceMs);
    await rm(folder, { recursive: true, force: true });
    process.off("exit", removeNow);
  }
}

interface StartRequest {
  readonly folder: string;
  readonly specs: readonly SearchSpec[];
  readonly stream: DisplayStream;
  readonly signal: AbortSignal | undefined;
}

async function start({ folder, specs, stream, signal }: StartRequest): Promise<Cluster> {
  const agents = Math.min(availableParallelism(), slotsUseful(specs));
  stream.write(`Starting a coordinator and ${agents === 1 ? "one agent" : `${counted(agents, "agent")}, one a core`} ...\n`);
  const began = performance.now();
  const cluster = await startCluster({ folder, agents }, signal);
  stream.write(`Ready at ${cluster.address} after ${formatSeconds((performance.now() - began) / 1000)}.\n`);
  return cluster;
}

interface RunRequest {
  readonly client: RegulusClient;
  readonly specs: readonly SearchSpec[];
  readonly stream: DisplayStream;
  readonly signal: AbortSignal;
}

/** Submits the searches in their order, so that the first one has a slot first, and follows them to their ends. */
async function runSearches({ client, specs, stream, signal }: RunRequest): Promise<SearchRecord[]> {
  const ids: string[] = [];
  for (const spec of specs) ids.push((await client.createSearch({ spec }, { signal })).searchId);
  const steps = specs.map((spec) => (spec.budget?.trials ?? 0) * (spec.budget?.stepsPerTrial ?? 0));
  stream.write(
    `${counted(specs.length, "search", "searches")} of ${[...new Set(steps.map(formatCount))].join(" and ")} training steps.\n\n`,
  );
  const display = openDisplay(ids, { stream });
  try {
    await Promise.all(ids.map((id) => follow({ client, id, display, signal })));
  } finally {
    display.close();
  }
  return Promise.all(ids.map((id) => readSearch(client, id, signal)));
}

interface FollowRequest {
  readonly client: RegulusClient;
  readonly id: string;
  readonly display: Display;
  readonly signal: AbortSignal;
}

async function follow({ client, id, display, signal }: FollowRequest): Promise<void> {
  for await (const { facts, live } of client.watchSearch(id, { signal })) display.tell(facts, live);
}

async function present(records: readonly SearchRecord[], options: DemoOptions): Promise<DemoOutcome> {
  const numbers = demoNumbers(options.seed, records);
  const report = resolve(options.report);
  await writeReport(report, records, { title: "Regulus demo: hyperparameters inside and outside training" });
  if (options.json !== undefined) await writeNumbers(options.json, numbers);
  return { numbers, report, failures: records.flatMap(failureOf) };
}

async function writeNumbers(file: string, numbers: DemoNumbers): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(numbers, undefined, 2)}\n`);
  } catch (cause) {
    throw new RegulusError("failed-precondition", `the numbers could not be written to ${file}: ${String(cause)}`, { cause });
  }
}

function failureOf(record: SearchRecord): string[] {
  const { search } = record;
  const name = search.spec?.name ?? search.searchId;
  if (search.outcome !== "SEARCH_OUTCOME_COMPLETED") return [`${name} did not complete: ${search.reason}`];
  return resultOf(record).best === undefined ? [`${name} measured nothing finite`] : [];
}

/** The words after a demo. */
export function outcomeWords({ numbers, report, failures }: DemoOutcome): string {
  return [demoTable(numbers), demoSentence(numbers), `Report: ${report}`, ...failures.map((failure) => `Failed: ${failure}`)]
    .filter((line) => line !== undefined)
    .join("\n\n");
}
