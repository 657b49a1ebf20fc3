/** `regulus best`: the best trial of a search by the value of its first objective that counts, with its hyperparameters and metrics. */
import { countedMeasurement, RegulusError, type Search } from "@regulus/proto";
import type { Command } from "commander";
import { failureLines } from "../../display/failures.js";
import { exactValue } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { pairs, writeJson, writeLine } from "../output.js";
import { countWords, metricPairs, parameterPairs, trialStatusWords } from "../words.js";

export function registerBest(program: Command): void {
  withConnection(program.command("best").description("show the best trial: its metrics and hyperparameters"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .addHelpText("after", "\nExamples:\n  regulus best 7f3a\n  regulus best 7f3a --json | jq .trial.work.parameters\n")
    .action(best);
}

/** Why there is no best trial: nothing yet, or nothing any more. */
function noBest(search: Search): RegulusError {
  const { searchId, status } = search;
  if (status !== "SEARCH_STATUS_ENDED") {
    const words = `search ${searchId} has no measured trial yet (${countWords(search)}); regulus explain ${searchId} says what it waits for`;
    return new RegulusError("not-found", words);
  }
  const head = `search ${searchId} has no best trial: no trial was measured: ${countWords(search)}`;
  return new RegulusError("not-found", [head, ...failureLines(search.failureGroups)].join("\n"));
}

async function best(idOrBeginning: string, options: ConnectionOptions): Promise<void> {
  const { search, trial } = await withClient(options, async (client) => {
    const found = await findSearch(client, idOrBeginning, { newest: true });
    if (found.bestTrial === undefined) {
      throw noBest(found);
    }
    return { search: found, trial: (await client.getTrial({ searchId: found.searchId, trial: found.bestTrial })).trial };
  });
  if (trial === undefined) throw new RegulusError("internal", "the coordinator's answer lacks the trial");
  if (options.json) {
    writeJson({ searchId: search.searchId, objective: search.spec?.objectives[0], bestValue: search.bestValue, trial });
    return;
  }
  const measurement = countedMeasurement(trial, search.spec?.objectives[0]) ?? trial.last;
  const head: [string, string][] = [
    ["trial", `${trial.trial} (${trialStatusWords(trial)})`],
    ["step of the value", exactValue(measurement?.step ?? 0)],
  ];
  // What is printed here is pasted into other programs, hence every digit.
  const parameters = parameterPairs({ work: trial.work, last: measurement }, exactValue, search.spec?.space);
  writeLine(pairs([...head, ...metricPairs(measurement, exactValue), ...parameters]));
}
