/** `regulus delete`: removes an ended search with its facts and artifacts. */
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";

export function registerDelete(program: Command): void {
  withConnection(program.command("delete").description("remove an ended search with its facts and artifacts, for good"))
    .argument("<search...>", "ids of searches, their beginnings, or names")
    .addHelpText("after", "\nExamples:\n  regulus delete 7f3a\n  regulus stop 7f3a && regulus delete 7f3a\n")
    .action(async (beginnings: readonly string[], options: ConnectionOptions) => {
      await withClient(options, async (client) => {
        // All are found before the first is gone: a slip in the second id removes nothing.
        const ids = [];
        for (const beginning of beginnings) ids.push((await findSearch(client, beginning)).searchId);
        for (const searchId of new Set(ids)) {
          await client.deleteSearch(searchId);
          if (!options.json) note(`search ${searchId} is removed`);
        }
        if (options.json) writeJson({ deleted: [...new Set(ids)] });
      });
    });
}
