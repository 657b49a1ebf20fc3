/**
 * `regulus report`: writes searches into one HTML file that needs no network.
 */
import { type Command, InvalidArgumentError } from "commander";

/** Adds the command to a program. */
export function registerReport(program: Command): void {
  program
    .command("report")
    .description("write searches into one self-contained HTML file with tables and plots")
    .argument("<search...>", "ids of the searches, drawn into the same plots")
    .option("-o, --output <file>", "where to write", outputFile, "report.html")
    .option("--title <text>", "headline of the page", "Regulus report")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus report 7f3a -o report.html\n  regulus report 7f3a 91bc --title 'Inside against outside'\n",
    );
}

function outputFile(value: string): string {
  if (value.length === 0) throw new InvalidArgumentError("expected a file name, such as report.html");
  return value;
}
