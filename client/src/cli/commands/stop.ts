/** `regulus stop`: ends a search, or one trial of it, early. Results stay. */
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";
import { wholeNumber } from "../read-values.js";

interface StopOptions extends ConnectionOptions {
  readonly reason: string;
}

export function registerStop(program: Command): void {
  withConnection(program.command("stop").description("end a search, or one trial of it, early; results stay"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument("[trial]", "number of one trial; the rest of the search continues", wholeNumber)
    .option("--reason <text>", "why, for others", "stopped by the user")
    .addHelpText("after", "\nExamples:\n  regulus stop 7f3a\n  regulus stop 7f3a 12 --reason 'does not learn'\n")
    .action(stop);
}

async function stop(idOrBeginning: string, trial: number | undefined, options: StopOptions): Promise<void> {
  await withClient(options, async (client) => {
    const { searchId } = await findSearch(client, idOrBeginning);
    if (trial === undefined) {
      const search = await client.stopSearch(searchId, options.reason);
      if (options.json) writeJson({ search });
      else
        note(
          `search ${searchId} ${search.status === "SEARCH_STATUS_ENDED" ? "is over" : "ends once its running trials have stopped"}`,
        );
    } else {
      const stopped = await client.stopTrial({ searchId, trial, reason: options.reason });
      if (options.json) writeJson({ trial: stopped });
      else note(`trial ${trial} of search ${searchId} is asked to stop`);
    }
  });
}
