/** `regulus report`: writes searches into one HTML file that needs no network. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import { type ConnectionOptions, withClient, withConnection } from "../cli/connection.js";
import { findSearch } from "../cli/find-search.js";
import { note, writeJson, writeLine } from "../cli/output.js";

const examples = `
Examples:
  regulus report 7f3a -o report.html
  regulus report 7f3a 91bc --title 'Inside against outside'`;

interface ReportFlags extends ConnectionOptions {
  readonly output: string;
  readonly title: string;
}

/** Adds the command to a program. */
export function registerReport(program: Command): void {
  const command = program
    .command("report")
    .description("write searches into one self-contained HTML file with tables and plots")
    .argument("<search...>", "ids of the searches, the beginnings of them, or names; they share the plots")
    .option("-o, --output <file>", "where to write", outputFile, "report.html")
    .option("--title <text>", "headline of the page", "Regulus report")
    .addHelpText("after", examples);
  withConnection(command).action(run);
}

async function run(names: readonly string[], flags: ReportFlags): Promise<void> {
  // Loaded here, so that other commands start without it.
  const [{ readSearch }, { writeReport }] = await Promise.all([import("./read-search.js"), import("./report.js")]);
  const file = resolve(flags.output);
  await withClient(flags, async (client) => {
    const records = [];
    for (const name of names) {
      const { searchId, status } = await findSearch(client, name);
      if (status !== "SEARCH_STATUS_ENDED") note(`search ${searchId} is not over; the report shows it as it stands`);
      records.push(await readSearch(client, searchId));
    }
    await writeReport(file, records, { title: flags.title });
  });
  if (flags.json === true) writeJson({ report: file });
  else writeLine(`Report: ${pathToFileURL(file).href}`);
}

function outputFile(value: string): string {
  if (value === "") throw new InvalidArgumentError("Expected a file name, such as report.html.");
  return value;
}
