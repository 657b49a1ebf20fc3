/** `regulus explain`: what a search or a trial is doing or waiting for, and the facts that say so. */
import type { Command } from "commander";
import { messageLines } from "../../display/message-lines.js";
import { plainText } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { findSearch } from "../find-search.js";
import { type TrialName, trialName, trialNumber } from "../find-trial.js";
import { writeJson, writeLine } from "../output.js";

export function registerExplain(program: Command): void {
  withConnection(program.command("explain").description("say why a search or a trial is waiting, from the log alone"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument("[trial]", "number of one trial, or best", trialName)
    .addHelpText("after", "\nExamples:\n  regulus explain 7f3a\n  regulus explain 7f3a 12\n")
    .action(explain);
}

async function explain(idOrBeginning: string, name: TrialName | undefined, options: ConnectionOptions): Promise<void> {
  const { searchId, trial, answer } = await withClient(options, async (client) => {
    const found = await findSearch(client, idOrBeginning, { newest: true });
    const trial = name === undefined ? undefined : trialNumber(found, name);
    return { searchId: found.searchId, trial, answer: await client.explainSearch({ searchId: found.searchId, trial }) };
  });
  if (options.json) {
    writeJson({ searchId, trial, ...answer });
    return;
  }
  writeLine(plainText(answer.summary));
  for (const { text, position } of answer.explanations) {
    const [head = "", ...lines] = text.split(/\r?\n/);
    writeLine(`  ${plainText(head)}${position > 0 ? ` (fact ${position})` : ""}`);
    for (const line of lines.length === 0 ? [] : messageLines(lines.join("\n"))) writeLine(`  ${line}`);
  }
}
