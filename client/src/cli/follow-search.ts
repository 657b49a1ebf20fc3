/** Follows a search to its end: a live display on standard error and the outcome on standard output, or facts as JSON lines. */
import { countedMeasurement, RegulusError } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import { openDisplay } from "../display/display.js";
import { reasonOf } from "./connection.js";
import { exitCodes } from "./exit-codes.js";
import { onInterrupt } from "./interrupt.js";
import { toJson } from "./json.js";
import { note, numberFormat, pairs, writeLine, writeLineSlowly } from "./output.js";
import { ageWords, bestWords, countWords, metricPairs, parameterPairs, searchStatusWords } from "./words.js";

export interface FollowOptions {
  /** Facts as JSON lines instead of a display. */
  readonly json: boolean;
  /** Only facts after this position. */
  readonly after: number;
}

/** Sets the exit code of the process where the search failed; Ctrl-C leaves the search running. */
export async function followSearch(client: RegulusClient, searchId: string, { json, after }: FollowOptions): Promise<void> {
  const interrupt = onInterrupt();
  const display = json ? undefined : openDisplay([searchId]);
  let away = false;
  const watch = client.watchSearch(searchId, {
    after,
    signal: interrupt.signal,
    onAway: (error) => {
      if (error.code === "exhausted")
        return say("the coordinator dropped this watch, which read too slowly; continuing from there");
      if (!away) say(`the coordinator is away (${reasonOf(error.message)}); retrying until it is back`);
      away = true;
    },
    onBack: () => {
      if (away) say("the coordinator is back");
      away = false;
    },
  });
  const say = (text: string) => (display === undefined ? note(text) : display.note(text));
  try {
    for await (const { facts, live } of watch) {
      if (display !== undefined) display.tell(facts, live);
      else for (const fact of facts) await writeLineSlowly(toJson(fact));
    }
  } catch (thrown) {
    display?.close();
    if (!interrupt.signal.aborted) throw thrown;
    note(`left; the search continues. regulus watch ${searchId} follows it again, regulus stop ${searchId} ends it`);
    throw new RegulusError("cancelled", "left by the user");
  } finally {
    interrupt.release();
  }
  display?.close();
  await writeOutcome(client, searchId, json);
}

async function writeOutcome(client: RegulusClient, searchId: string, json: boolean): Promise<void> {
  const search = await client.getSearch(searchId);
  if (search.outcome === "SEARCH_OUTCOME_FAILED") process.exitCode = exitCodes.searchFailed;
  if (json) return;
  const best = search.bestTrial === undefined ? undefined : (await client.getTrial({ searchId, trial: search.bestTrial })).trial;
  const measurement = countedMeasurement(best, search.spec?.objectives[0]);
  writeLine(
    pairs([
      ["search", searchId],
      ["status", `${searchStatusWords(search)}${search.reason === "" ? "" : ` (${search.reason})`}`],
      ["trials", countWords(search)],
      ["time", ageWords(search, Date.now())],
      ["best", bestWords(search) || "-"],
      ...metricPairs(measurement),
      ...(best === undefined ? [] : parameterPairs({ ...best, last: measurement }, numberFormat(), search.spec?.space)),
    ]),
  );
}
