/** `regulus export`: every trial of a search with its measurements, as JSON lines or CSV. Streams; holds one trial at a time. */

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import type { Parameter } from "@regulus/proto";
import { type Command, Option } from "commander";
import type { RegulusClient } from "../../connect.js";
import { counted } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { csvColumns, csvHead, csvRows } from "../csv.js";
import { findSearch } from "../find-search.js";
import { toJson } from "../json.js";
import { note, writeLineSlowly } from "../output.js";
import { partialOf } from "../output-file.js";

interface ExportOptions extends ConnectionOptions {
  readonly format: "jsonl" | "csv";
  readonly measurements?: boolean;
  readonly output?: string;
}

export function registerExport(program: Command): void {
  withConnection(program.command("export").description("write every trial with its measurements as JSON lines or CSV"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .addOption(
      new Option("-f, --format <format>", "one JSON object or one row per trial").choices(["jsonl", "csv"]).default("jsonl"),
    )
    .option("--measurements", "csv: one row per measurement, with its attempt")
    .option("-o, --output <file>", "file to write; default: standard output (-)")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus export 7f3a > trials.jsonl\n  regulus export 7f3a --format csv -o trials.csv\n  regulus export 7f3a --format csv --measurements -o curves.csv\n",
    )
    .action(exportSearch);
}

async function exportSearch(idOrBeginning: string, options: ExportOptions): Promise<void> {
  await withClient(options, async (client) => {
    const { searchId, spec } = await findSearch(client, idOrBeginning, { newest: true });
    if (options.output === undefined || options.output === "-") {
      await writeAll(client, searchId, { options, stream: process.stdout, space: spec?.space ?? [] });
      return;
    }
    // Beside its place first, so that a failed export leaves an earlier file as it was.
    const partial = partialOf(options.output);
    const stream = createWriteStream(partial);
    const closed = finished(stream);
    closed.catch(() => undefined); // Awaited below; a failure to open must not end the process before.
    try {
      const count = await Promise.race([
        writeAll(client, searchId, { options, stream, space: spec?.space ?? [] }),
        closed.then(() => 0),
      ]);
      stream.end();
      await closed;
      await rename(partial, options.output);
      note(`${counted(count, "trial")} written to ${options.output}`);
    } catch (thrown) {
      stream.destroy();
      await rm(partial, { force: true });
      throw thrown;
    }
  });
}

interface Target {
  readonly options: ExportOptions;
  readonly stream: NodeJS.WritableStream;
  readonly space: readonly Parameter[];
}

async function writeAll(client: RegulusClient, searchId: string, { options, stream, space }: Target): Promise<number> {
  let count = 0;
  const each = options.measurements === true;
  // A first pass finds the columns, so that the second may write row by row however many trials there are.
  const columns = options.format === "csv" ? await csvColumns(client.exportSearch(searchId), space) : undefined;
  if (columns !== undefined) await writeLineSlowly(csvHead(columns, each), stream);
  for await (const one of client.exportSearch(searchId)) {
    count += 1;
    if (columns === undefined) await writeLineSlowly(toJson(one), stream);
    else for (const row of csvRows(one, columns, each)) await writeLineSlowly(row, stream);
  }
  return count;
}
