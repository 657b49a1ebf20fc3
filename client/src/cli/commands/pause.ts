/** `regulus pause`: running trials save and free their slots. */
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";

interface PauseOptions extends ConnectionOptions {
  readonly reason: string;
}

export function registerPause(program: Command): void {
  withConnection(program.command("pause").description("pause a search: running trials save and free their slots"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .option("--reason <text>", "why, for others", "paused by the user")
    .addHelpText("after", "\nExample:\n  regulus pause 7f3a --reason 'the machines are needed until noon'\n")
    .action(async (idOrBeginning: string, options: PauseOptions) => {
      const search = await withClient(options, async (client) => {
        const { searchId } = await findSearch(client, idOrBeginning);
        return client.pauseSearch(searchId, options.reason);
      });
      if (options.json) writeJson({ search });
      else note(`search ${search.searchId} is paused; regulus resume ${search.searchId} continues it`);
    });
}
