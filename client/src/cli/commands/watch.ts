/** `regulus watch`: follows a search until it is over, over restarts of its coordinator. */
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { followSearch } from "../follow-search.js";
import { wholeNumber } from "../read-values.js";

interface WatchOptions extends ConnectionOptions {
  readonly after: number;
}

export function registerWatch(program: Command): void {
  withConnection(program.command("watch").description("follow a search until it is over; Ctrl-C leaves it running"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .option("--after <position>", "with --json: only facts after this position", wholeNumber, 0)
    .addHelpText("after", "\nExamples:\n  regulus watch 7f3a\n  regulus watch 7f3a --json | jq -c .kind\n")
    .action(async (idOrBeginning: string, options: WatchOptions) => {
      await withClient(options, async (client) => {
        const { searchId } = await findSearch(client, idOrBeginning, { newest: true });
        await followSearch(client, searchId, { json: options.json === true, after: options.json ? options.after : 0 });
      });
    });
}
