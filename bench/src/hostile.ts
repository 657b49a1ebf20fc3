/**
 * `npm run bench -- hostile [--seconds N]`: a real coordinator over a search of 400 MB of measurements, while 1,000 calls stall at once (watches,
 * exports, downloads, uploads of a byte now and then; one that is ended is opened again). What its memory comes to, and how long an honest
 * client waits for ListSearches meanwhile; beside it an honest watch reads the search, and an honest upload is stored.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, type RegulusClient } from "@regulus/client";
import { scratch, startProgram } from "@regulus/test/cluster";
import { type LargeSearch, writeLargeSearch } from "./large-search.js";

/** How long the attack lasts where no other time is asked for. */
const secondsOfAttack = 60;
/** How often the honest client asks. */
const askEveryMs = 50;
/** Memory past which the coordinator is ended, so that the machine lives. */
const rssMbMax = 6000;

/** Runs the bench and prints its object as the last line. */
export async function run(args: readonly string[]): Promise<void> {
  const asked = args.indexOf("--seconds");
  const seconds = asked < 0 ? secondsOfAttack : Number(args[asked + 1]);
  const folder = scratch("bench-hostile");
  const data = `${folder.path}/coordinator`;
  const search = await writeLargeSearch(data);
  console.error(`hostile: ${search.facts} facts, 400 MB, are in the log`);
  const coordinator = await startProgram("coordinator", [
    ...["--listen", "127.0.0.1:0", "--metrics-listen", "off", "--data", data, "--log-level", "warn"],
  ]);
  const address = coordinator.ready.address ?? "";
  const callers = fork(join(dirname(fileURLToPath(import.meta.url)), "hostile-callers.js"), [
    ...[address, search.searchId, search.sha256],
  ]);
  const client = connect(address);
  try {
    let seen = { open: 0, ended: 0 };
    callers.on("message", (message: typeof seen) => {
      seen = message;
    });
    while (seen.open < 900) await sleep(100);
    console.error(`hostile: ${seen.open} calls are stalled, ${memoryMb(coordinator.pid, "VmHWM")} MB`);
    const until = performance.now() + seconds * 1000;
    const honest = readUntil(client, search, until);
    const stored = upload(client);
    const waits = await askUntil(client, until, coordinator);
    console.error(`hostile: ${seen.open} calls are stalled, ${seen.ended} were ended and opened again`);
    console.error(`hostile: honest watch ${await honest}; honest upload of 16 MB ${await stored}; ${waits.length} lists`);
    const rssMb = memoryMb(coordinator.pid, "VmHWM");
    console.log(JSON.stringify({ bench: "hostile", rssMb, listP99Ms: Math.round(quantile(waits, 0.99)) }));
  } finally {
    client.close();
    callers.kill("SIGKILL");
    await coordinator.kill();
    folder.remove();
  }
}

/** Waits for ListSearches, in milliseconds. */
async function askUntil(client: RegulusClient, until: number, coordinator: { readonly pid: number }): Promise<number[]> {
  const waits: number[] = [];
  while (performance.now() < until) {
    const began = performance.now();
    await client.listSearches();
    waits.push(performance.now() - began);
    if (memoryMb(coordinator.pid, "VmRSS") > rssMbMax) throw new Error(`the coordinator grew past ${rssMbMax} MB`);
    await sleep(askEveryMs);
  }
  return waits;
}

/** How far an honest watch of the whole search comes. */
async function readUntil(client: RegulusClient, { searchId, facts }: LargeSearch, until: number): Promise<string> {
  const over = AbortSignal.timeout(Math.max(0, Math.round(until - performance.now())));
  const began = performance.now();
  let read = 0;
  try {
    for await (const piece of client.watchSearch(searchId, { signal: over })) read += piece.facts.length;
  } catch (thrown) {
    if (!over.aborted) return `failed after ${read} facts: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  return `read ${read} of ${facts} facts in ${((performance.now() - began) / 1000).toFixed(1)} s`;
}

async function upload(client: RegulusClient): Promise<string> {
  const began = performance.now();
  try {
    await client.putArtifact(Buffer.alloc(16 * 1024 * 1024, "honest"), { kind: "checkpoint" });
  } catch (thrown) {
    return `failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  return `in ${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function memoryMb(pid: number, line: "VmHWM" | "VmRSS"): number {
  const found = new RegExp(`^${line}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(found?.[1] ?? Number.NaN) / 1024);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
