/** `regulus logs`: what the program of a trial prints, while it runs and after. */

import { RegulusError } from "@regulus/proto";
import type { Command } from "commander";
import { counted } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { type TrialName, trialName, trialNumber } from "../find-trial.js";
import { onInterrupt } from "../interrupt.js";
import { note, writeJson, writePiece } from "../output.js";
import { SafeOutputStream } from "../safe-output.js";
import { type OutputNews, readOutput } from "../trial-output.js";

interface LogsOptions extends ConnectionOptions {
  readonly follow?: boolean;
}

export function registerLogs(program: Command): void {
  withConnection(program.command("logs").description("show the output of a trial's program, also while it runs"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument("<trial>", "number of the trial, or best", trialName)
    .option("-f, --follow", "follow the output until the trial ends")
    .addHelpText("after", "\nExamples:\n  regulus logs 7f3a 12\n  regulus logs 7f3a 12 --follow\n")
    .action(logs);
}

/** What stands between two pieces of output. */
function breakWords(news: Exclude<OutputNews, { readonly kind: "bytes" }>): string {
  switch (news.kind) {
    case "earlier-not-kept":
      return `attempt ${news.attempt}; the output of earlier attempts is not kept`;
    case "attempt":
      return `attempt ${news.attempt}`;
    case "left-out":
      return `${counted(news.bytes, "byte")} left out`;
  }
}

async function logs(idOrBeginning: string, name: TrialName, options: LogsOptions): Promise<void> {
  const interrupt = onInterrupt();
  try {
    await withClient(options, async (client) => {
      const search = await findSearch(client, idOrBeginning, { newest: true });
      const key = { searchId: search.searchId, trial: trialNumber(search, name) };
      const shown = new SafeOutputStream();
      const news = readOutput(client, key, { follow: options.follow === true, signal: interrupt.signal });
      const decoder = new TextDecoder();
      for await (const one of news) {
        if (options.json) {
          writeJson(one.kind === "bytes" ? { text: decoder.decode(one.data, { stream: true }) } : one);
          continue;
        }
        if (one.kind === "bytes") await writePiece(shown.add(one.data));
        else {
          await writePiece(shown.end());
          note(`-- ${breakWords(one)} --`);
        }
      }
      await writePiece(shown.end());
    });
  } catch (thrown) {
    if (!interrupt.signal.aborted) throw thrown;
    note(`left; the trial continues`);
    throw new RegulusError("cancelled", "left by the user");
  } finally {
    interrupt.release();
  }
}
