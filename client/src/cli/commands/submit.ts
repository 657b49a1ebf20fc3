/** `regulus submit`: starts a search from its file. */
import { seedOf, type Warning } from "@regulus/proto";
import type { Command } from "commander";
import { openSearchFile } from "../../search-files.js";
import { createFromFile } from "../check-file.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { followSearch } from "../follow-search.js";
import { note, noteWarnings, writeJson, writeLine } from "../output.js";
import { wholeNumber } from "../read-values.js";

interface SubmitOptions extends ConnectionOptions {
  readonly watch?: boolean;
  readonly key?: string;
  readonly seed?: number;
  readonly name?: string;
}

export function registerSubmit(program: Command): void {
  withConnection(program.command("submit").description("start a search from a YAML or JSON file"))
    .argument("<file>", "the search file; - for standard input")
    .option("-w, --watch", "follow it until it is over")
    .option("--seed <number>", "seed instead of the file's", wholeNumber)
    .option("--name <text>", "name instead of the file's")
    .option("--key <text>", "idempotency key: a second submit with the same key and file returns the first one's search")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus submit search.yaml --watch\n  regulus submit search.yaml --seed 7 --json | jq -r .search.searchId\n  generate-search | regulus submit -\n",
    )
    .action(submit);
}

async function submit(file: string, options: SubmitOptions): Promise<void> {
  const reading = await openSearchFile(file, options.name);
  const { name, seed } = reading.spec;
  const spec = { name: options.name ?? name, seed: options.seed ?? seed };
  await withClient(options, async (client) => {
    let warnings: readonly Warning[] = [];
    const onWarnings = (found: readonly Warning[]) => {
      warnings = found;
    };
    const search = await createFromFile(client, reading, { spec, idempotencyKey: options.key, onWarnings });
    noteWarnings(warnings);
    if (!options.json && spec.seed === undefined && search.spec !== undefined)
      note(`seed ${seedOf(search.spec)} was drawn; --seed ${seedOf(search.spec)} repeats the search`);
    if (options.json) writeJson({ search, warnings });
    else if (options.watch) note(`search ${search.searchId} is started; Ctrl-C leaves it running`);
    else writeLine(search.searchId);
    if (options.watch) await followSearch(client, search.searchId, { json: options.json === true, after: 0 });
    else if (!options.json) note(`regulus watch ${search.searchId} follows it`);
  });
}
