/**
 * `npm run bench -- recovery`: how long a coordinator takes to serve again after kill -9 with 100,000 facts in its log, and how much memory it
 * keeps for a finished trial (heap after a full collection, with the log's trials and without any).
 */
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@regulus/client";
import { scratch, startProgram } from "@regulus/test/cluster";
import { noOpSearch, startCluster } from "./no-op-search.js";

/** Least number of facts in the log. */
const factsMin = 100_000;
/** Trials of one search of the log. */
const trialsPerSearch = 10_000;
/** Times that the coordinator is killed and started; the median counts. */
const repeats = 5;

/** Runs the bench and prints its object as the last line. */
export async function run(): Promise<void> {
  const folder = scratch("bench-recovery");
  try {
    const written = await writeLog(folder.path);
    console.error(`recovery: ${written.facts} facts of ${written.trials} finished trials in the log`);
    const data = `${folder.path}/coordinator`;
    const times: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) times.push(await secondsToServe(data, written.searches));
    console.error(
      `recovery: seconds from the start of the process to the first answers: ${times.map((time) => time.toFixed(2)).join(", ")}`,
    );
    const memory = join(dirname(fileURLToPath(import.meta.url)), "recovered-memory.js");
    const heap = (path: string): number =>
      Number(execFileSync(process.execPath, ["--expose-gc", memory, path], { encoding: "utf8" }));
    const bytesPerTrial = Math.round((heap(data) - heap(`${folder.path}/empty`)) / written.trials);
    const median = times.sort((a, b) => a - b)[Math.floor(repeats / 2)] ?? Number.NaN;
    console.log(
      JSON.stringify({ bench: "recovery", facts: written.facts, secondsToServe: Number(median.toFixed(3)), bytesPerTrial }),
    );
  } finally {
    folder.remove();
  }
}

/** Fills a log with finished searches by a real cluster, and kills its coordinator with -9. */
async function writeLog(folder: string): Promise<{ facts: number; trials: number; searches: Map<string, number> }> {
  const cluster = await startCluster(folder);
  const searches = new Map<string, number>();
  let facts = 0;
  try {
    while (facts < factsMin) {
      const log = await noOpSearch(cluster.client, {
        name: `log-${searches.size}`,
        trials: trialsPerSearch,
        delayMs: 0,
        seed: searches.size,
      });
      searches.set(log[0]?.searchId ?? "", log.length);
      facts += log.length;
    }
  } finally {
    await cluster.kill();
  }
  return { facts, trials: searches.size * trialsPerSearch, searches };
}

/** Starts a coordinator over the log, asks it for every search, and kills it. */
async function secondsToServe(data: string, searches: ReadonlyMap<string, number>): Promise<number> {
  const began = performance.now();
  const coordinator = await startProgram("coordinator", [
    ...["--listen", "127.0.0.1:0", "--metrics-listen", "off", "--data", data, "--log-level", "warn"],
  ]);
  const client = connect(coordinator.ready.address ?? "");
  for (const [searchId, facts] of searches) {
    const { position } = await client.getSearch(searchId);
    if (position !== facts) throw new Error(`${searchId}: recovered ${position} of ${facts} facts`);
  }
  const seconds = (performance.now() - began) / 1000;
  client.close();
  await coordinator.kill();
  return seconds;
}
