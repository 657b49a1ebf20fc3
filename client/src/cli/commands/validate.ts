/** `regulus validate`: everything that is wrong with a search file, without starting anything. */
import { RegulusError, type SearchReading, type Warning } from "@regulus/proto";
import type { Command } from "commander";
import { openSearchFile } from "../../search-files.js";
import { checkFile, ownProblems } from "../check-file.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { exitCodes } from "../exit-codes.js";
import { note, noteWarnings, writeJson, writeLine } from "../output.js";
import { problemLines } from "../report-error.js";

interface ValidateOptions extends ConnectionOptions {
  readonly offline?: boolean;
}

/** What was checked: the file's shape and values alone, or also every name and option that the coordinator knows. */
type Checked = {
  readonly checkedBy: "file" | "coordinator";
  readonly error?: RegulusError | undefined;
  readonly why?: string;
  readonly warnings?: readonly Warning[];
};

export function registerValidate(program: Command): void {
  withConnection(
    program.command("validate").description("check a search file: its shape here, names and options with a coordinator"),
  )
    .argument("<file>", "the search file; - for standard input")
    .option("--offline", "do not ask a coordinator")
    .addHelpText("after", "\nExamples:\n  regulus validate search.yaml\n  regulus validate search.yaml --offline --json\n")
    .action(validate);
}

async function validate(file: string, options: ValidateOptions): Promise<void> {
  const { checkedBy, error, why, warnings = [] } = await check(file, options);
  if (error !== undefined) process.exitCode = exitCodes.badInput;
  noteWarnings(warnings);
  if (options.json) {
    const problems = error?.problems ?? [];
    writeJson({
      valid: error === undefined,
      checkedBy,
      problems,
      warnings,
      ...(error === undefined ? {} : { message: error.message }),
    });
  } else if (error !== undefined) {
    note(error.problems.length > 0 ? problemLines(error.problems) : `regulus: ${error.message}`);
    if (why !== undefined) note(unchecked(why));
  } else if (checkedBy === "coordinator") {
    writeLine(`${file} is valid: checked by the coordinator at ${options.coordinator}`);
  } else {
    writeLine(`${file} is valid in shape; ${unchecked(why ?? "")}`);
  }
}

const unchecked = (why: string) =>
  `names and options of strategy, workload and techniques, and whether an agent can run it, were not checked (${why})`;

async function check(file: string, options: ValidateOptions): Promise<Checked> {
  let reading: SearchReading;
  try {
    reading = await openSearchFile(file);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "invalid-argument") throw error;
    return { checkedBy: "file", error };
  }
  const error = ownProblems(reading);
  if (options.offline) return { checkedBy: "file", error, why: "--offline" };
  try {
    let warnings: readonly Warning[] = [];
    const onWarnings = (found: readonly Warning[]) => {
      warnings = found;
    };
    const found = await withClient(options, (client) => checkFile(client, reading, onWarnings));
    return { checkedBy: "coordinator", error: found, warnings };
  } catch (thrown) {
    if (RegulusError.from(thrown).code !== "unavailable") throw thrown;
    return { checkedBy: "file", error, why: `no coordinator answers at ${options.coordinator}` };
  }
}
