/**
 * `npm run bench -- dispatch`: how many no-op trials a second one coordinator completes, through real gRPC and the durable log, with two agent
 * processes on the same machine; then, at half that load, how long a trial takes from its proposal to the start of its work.
 *
 * Agents run with `--isolation inline`: what is measured is the cluster, not the start of an operating system process.
 */
import type { Fact } from "@regulus/proto";
import { scratch } from "@regulus/test/cluster";
import { noOpSearch, slotsOfCluster, startCluster } from "./no-op-search.js";

/** Trials that warm the programs up and are not counted. */
const warmupTrials = 2000;
const trials = 20_000;
/** How long the second part lasts. */
const halfLoadSeconds = 6;

/** Runs the bench and prints its object as the last line. */
export async function run(): Promise<void> {
  const folder = scratch("bench-dispatch");
  const cluster = await startCluster(folder.path);
  try {
    const { client } = cluster;
    await noOpSearch(client, { name: "warm-up", trials: warmupTrials, delayMs: 0, seed: 1 });
    const full = await noOpSearch(client, { name: "dispatch", trials, delayMs: 0, seed: 2 });
    const trialsPerSecond = trials / seconds(full);
    console.error(`dispatch: ${trials} trials in ${seconds(full).toFixed(2)} s, ${trialsPerSecond.toFixed(0)} a second`);
    // All slots are busy all the time; each trial works so long that together they finish half as many a second.
    const delayMs = Math.round((1000 * slotsOfCluster) / (trialsPerSecond / 2));
    const halfTrials = Math.round((trialsPerSecond / 2) * halfLoadSeconds);
    const half = await noOpSearch(client, { name: "half-load", trials: halfTrials, delayMs, seed: 3 });
    const latencies = startLatencies(half).sort((a, b) => a - b);
    const rate = latencies.length / seconds(half);
    console.error(`dispatch: half load: ${rate.toFixed(0)} trials a second, each working ${delayMs} ms`);
    console.log(
      JSON.stringify({
        bench: "dispatch",
        trialsPerSecond: Math.round(trialsPerSecond),
        startLatencyP50Ms: quantile(latencies, 0.5),
        startLatencyP99Ms: quantile(latencies, 0.99),
        halfLoadTrialsPerSecond: Math.round(rate),
      }),
    );
  } finally {
    await cluster.kill();
    folder.remove();
  }
}

/** Seconds from the first fact to the last. */
function seconds(facts: readonly Fact[]): number {
  return ((facts.at(-1)?.timeMs ?? 0) - (facts[0]?.timeMs ?? 0)) / 1000;
}

/** Milliseconds from each trial's proposal to the start of its work; both clocks are this machine's. */
function startLatencies(facts: readonly Fact[]): number[] {
  const proposed = new Map<number, number>();
  const latencies: number[] = [];
  for (const { kind, timeMs } of facts) {
    if (kind?.$case === "trialProposed") proposed.set(kind.value.trial, timeMs);
    if (kind?.$case === "trialEnded") latencies.push(kind.value.startedMs - (proposed.get(kind.value.trial) ?? Number.NaN));
  }
  return latencies;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
