/** Searches from a coordinator as a report wants them: with their trials, each thinned to what a plot can show. */
import { type ExportSearchResponse, RegulusError, type Search } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import { CourseCollector } from "./course.js";
import type { ResultFile, SearchRecord } from "./result.js";
import { StepCollector } from "./strategy-steps.js";
import { linePointsMax, spread } from "./thin.js";

/** Trials of one search that a report reads. */
export const reportTrialsMax = 200_000;
/** Measurements of one search that are held at the same time; past it, trials keep only their first, best and last. */
const measurementsHeldMax = 1_000_000;
/** Files of trials that go into a page: their kinds, how many, bytes of one and of all. */
const resultKinds: readonly string[] = ["image", "schedule"];
const resultsMax = 64;
const resultBytesMax = 2 * 1024 * 1024;
const resultsBytesMax = 12 * 1024 * 1024;

/** Reads a search and its trials. Fails with "not-found", and with "exhausted" for searches that are too long for one page. */
export async function readSearch(client: RegulusClient, searchId: string, signal?: AbortSignal): Promise<SearchRecord> {
  const search = await client.getSearch(searchId, { signal });
  const trials: ExportSearchResponse[] = [];
  let held = 0;
  for await (const row of client.exportSearch(searchId, { signal })) {
    if (trials.length === reportTrialsMax) {
      const seen = `search ${searchId} has more than ${reportTrialsMax} trials, and a report shows at most that many`;
      throw new RegulusError("exhausted", `${seen}; use: regulus export ${searchId}`);
    }
    const measurements = spread(row.measurements, held < measurementsHeldMax ? 2 * linePointsMax : 2);
    held += measurements.length;
    trials.push({ trial: row.trial, measurements });
  }
  const news = await client.searchNews(searchId, { signal });
  return {
    search,
    trials,
    ...(await readFacts(client, search, signal)),
    findings: news.filter(({ kind }) => kind?.$case !== "strategyStepped"),
    results: await readResults(client, trials, signal),
  };
}

/** When what was measured, and the strategy's own steps and words, up to now. */
async function readFacts(
  client: RegulusClient,
  { searchId }: Search,
  signal: AbortSignal | undefined,
): Promise<Pick<SearchRecord, "course" | "steps" | "said">> {
  const steps = new StepCollector();
  const course = new CourseCollector();
  for await (const { facts, live } of client.watchSearch(searchId, { signal })) {
    for (const fact of facts) {
      steps.tell(fact);
      course.tell(fact);
    }
    if (live) break;
  }
  return { course: course.all(), steps: steps.all(), said: steps.said() };
}

/** Pictures and schedules of the newest trials that left some, as far as a page has room. One that is gone is left out. */
async function readResults(
  client: RegulusClient,
  trials: readonly ExportSearchResponse[],
  signal: AbortSignal | undefined,
): Promise<ResultFile[]> {
  const left = trials.flatMap(({ trial }) =>
    (trial?.artifacts ?? []).map((artifact) => ({ ...artifact, trial: trial?.trial ?? 0 })),
  );
  const shown = left.filter(({ kind, size }) => resultKinds.includes(kind) && size <= resultBytesMax);
  const files: ResultFile[] = [];
  let room = resultsBytesMax;
  for (const { sha256, size, kind, trial } of shown.slice(-resultsMax)) {
    if (size > room) continue;
    room -= size;
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of client.getArtifact(sha256, { signal })) pieces.push(piece);
      files.push({ trial, kind, bytes: Buffer.concat(pieces) });
    } catch (thrown) {
      if (RegulusError.from(thrown).code !== "not-found") throw thrown;
    }
  }
  return files;
}
