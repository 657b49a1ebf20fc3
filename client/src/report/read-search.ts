/** Searches from a coordinator as a report wants them: with their trials, each thinned to what a plot can show. */
import { type ExportSearchResponse, RegulusError } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import type { SearchRecord } from "./result.js";
import { linePointsMax } from "./series.js";
import { spread } from "./thin.js";

/** Trials of one search that a report reads. */
export const reportTrialsMax = 200_000;
/** Measurements of one search that are held at the same time; past it, trials keep only their first, best and last. */
const measurementsHeldMax = 1_000_000;

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
  return { search, trials };
}
