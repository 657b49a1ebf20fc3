/** `regulus resume`: a paused search goes on. */
import { RegulusError } from "@regulus/proto";
import type { Command } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { note, writeJson } from "../output.js";

/** A search that has ended is opened by other commands. */
function withHint(error: RegulusError, searchId: string): RegulusError {
  if (error.code !== "failed-precondition" || !error.message.includes("has ended")) return error;
  const hint = `regulus extend ${searchId} --trials N, or regulus retry ${searchId}`;
  return new RegulusError(error.code, `${error.message}: ${hint}`, { cause: error });
}

export function registerResume(program: Command): void {
  withConnection(program.command("resume").description("continue a paused search"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .addHelpText("after", "\nExample:\n  regulus resume 7f3a\n")
    .action(async (idOrBeginning: string, options: ConnectionOptions) => {
      const search = await withClient(options, async (client) => {
        const { searchId } = await findSearch(client, idOrBeginning);
        return client.resumeSearch(searchId).catch((thrown: unknown) => {
          throw withHint(RegulusError.from(thrown), searchId);
        });
      });
      if (options.json) writeJson({ search });
      else note(`search ${search.searchId} continues`);
    });
}
