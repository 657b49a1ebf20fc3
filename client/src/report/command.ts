/** `regulus report`: writes searches into one HTML file that needs no network. */
import { once } from "node:events";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Search } from "@regulus/proto";
import { type Command, InvalidArgumentError } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../cli/connection.js";
import { findSearch } from "../cli/find-search.js";
import { note, writeJson, writeLine } from "../cli/output.js";
import { checkPlace, reportName } from "./report-place.js";

const examples = `
Examples:
  regulus report 7f3a
  regulus report 7f3a 91bc -o both.html --title 'Inside against outside'
  regulus report 7f3a -o - | gzip > report.html.gz`;

interface ReportFlags extends ConnectionOptions {
  readonly output?: string;
  readonly title: string;
}

/** Adds the command to a program. */
export function registerReport(program: Command): void {
  const command = program
    .command("report")
    .description("write searches into one self-contained HTML file with tables and plots")
    .argument("<search...>", "ids of the searches, their beginnings, or names; they share the plots")
    .option("-o, --output <file>", "where to write; - for standard output (default: report-NAME-ID.html)", outputFile)
    .option("--title <text>", "headline of the page", "Regulus report")
    .addHelpText("after", examples);
  withConnection(command).action(run);
}

async function run(names: readonly string[], flags: ReportFlags): Promise<void> {
  // Loaded here, so that other commands start without it.
  const [{ readSearch }, { renderReport, writeReport }] = await Promise.all([import("./read-search.js"), import("./report.js")]);
  const isPiped = flags.output === "-";
  if (!isPiped && flags.output !== undefined) checkPlace(resolve(flags.output));
  await withClient(flags, async (client) => {
    const searches: Search[] = [];
    for (const name of names) searches.push(await findSearch(client, name, { newest: true }));
    const file = resolve(flags.output ?? reportName(searches));
    if (!isPiped) checkPlace(file);
    const records = [];
    for (const { searchId, status } of searches) {
      if (status !== "SEARCH_STATUS_ENDED") note(`search ${searchId} is not over; the report shows its current state`);
      records.push(await readSearch(client, searchId));
    }
    if (isPiped) {
      if (!process.stdout.write(await renderReport(records, { title: flags.title }))) await once(process.stdout, "drain");
      return;
    }
    await writeReport(file, records, { title: flags.title });
    if (flags.json === true) writeJson({ report: file });
    else writeLine(`Report: ${pathToFileURL(file).href}`);
  });
}

function outputFile(value: string): string {
  if (value === "") throw new InvalidArgumentError("Expected a file name, such as report.html, or - for standard output.");
  return value;
}
