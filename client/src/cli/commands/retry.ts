/** `regulus retry`: failed trials of a search go on from their last checkpoints, also where the search has ended. */
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";
import { wholeNumber } from "../read-values.js";

/** Numbers of trials that one line names. */
const namedMax = 10;

export function registerRetry(program: Command): void {
  withConnection(
    program.command("retry").description("retry failed trials from their last checkpoints; reopens a search that has ended"),
  )
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument(
      "[trial]",
      "number of one trial; default: all failed trials, and those stopped without a value because the search failed",
      wholeNumber,
    )
    .addHelpText("after", "\nExamples:\n  regulus retry 7f3a\n  regulus retry 7f3a 12 && regulus watch 7f3a\n")
    .action(async (idOrBeginning: string, trial: number | undefined, options: ConnectionOptions) => {
      const { search, trials } = await withClient(options, async (client) => {
        const { searchId } = await findSearch(client, idOrBeginning);
        return client.retryTrials({ searchId, trials: trial === undefined ? [] : [trial] });
      });
      if (options.json) writeJson({ search, trials });
      else note(retriedWords(trials, search?.searchId ?? ""));
    });
}

function retriedWords(trials: readonly number[], searchId: string): string {
  const named = trials.slice(0, namedMax).join(", ");
  const more = trials.length > namedMax ? ` and ${trials.length - namedMax} more` : "";
  return `trial${trials.length === 1 ? "" : "s"} ${named}${more} of search ${searchId} ${trials.length === 1 ? "is" : "are"} retried; regulus watch ${searchId} follows`;
}
