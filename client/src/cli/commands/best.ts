/** `regulus best`: the best trial of a search by the value of its first objective that counts, with its hyperparameters and metrics. */
import { countedMeasurement, RegulusError } from "@regulus/proto";
import type { Command } from "commander";
import { formatCount } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { pairs, writeJson, writeLine } from "../output.js";
import { metricPairs, parameterPairs, trialStatusWords } from "../words.js";

export function registerBest(program: Command): void {
  withConnection(program.command("best").description("show the best trial: its metrics and hyperparameters"))
    .argument("<search>", "id of the search, or the beginning of it")
    .addHelpText("after", "\nExamples:\n  regulus best 7f3a\n  regulus best 7f3a --json | jq .trial.work.parameters\n")
    .action(best);
}

async function best(idOrBeginning: string, options: ConnectionOptions): Promise<void> {
  const { search, trial } = await withClient(options, async (client) => {
    const found = await findSearch(client, idOrBeginning);
    if (found.bestTrial === undefined) {
      throw new RegulusError(
        "not-found",
        `search ${found.searchId} has no measured trial yet; regulus explain tells what it waits for`,
      );
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
    ["steps", formatCount(measurement?.step ?? 0)],
  ];
  writeLine(pairs([...head, ...metricPairs(measurement), ...parameterPairs({ ...trial, last: measurement })]));
}
