/** `regulus validate`: everything that is wrong with a search file, without starting anything. */
import { RegulusError, type SearchReading } from "@regulus/proto";
import type { Command } from "commander";
import { openSearchFile } from "../../search-files.js";
import { checkFile, ownProblems } from "../check-file.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { exitCodes } from "../exit-codes.js";
import { note, writeJson, writeLine } from "../output.js";
import { problemLines } from "../report-error.js";

interface ValidateOptions extends ConnectionOptions {
  readonly offline?: boolean;
}

/** What was checked: the file's shape and values alone, or also every name and option that the coordinator knows. */
type Checked = { readonly checkedBy: "file" | "coordinator"; readonly error?: RegulusError | undefined; readonly why?: string };

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
  const { checkedBy, error, why } = await check(file, options);
  if (error !== undefined) process.exitCode = exitCodes.badInput;
  if (options.json) {
    const problems = error?.problems ?? [];
    writeJson({ valid: error === undefined, checkedBy, problems, ...(error === undefined ? {} : { message: error.message }) });
  } else if (error !== undefined) {
    note(error.problems.length > 0 ? problemLines(error.problems) : `regulus: ${error.message}`);
    if (why !== undefined) note(unchecked(why));
  } else if (checkedBy === "coordinator") {
    writeLine(`${file} is good: checked by the coordinator at ${options.coordinator}`);
  } else {
    writeLine(`${file} is good in shape; ${unchecked(why ?? "")}`);
  }
}

const unchecked = (why: string) => `names and options of strategy, workload and techniques were not checked (${why})`;

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
    return { checkedBy: "coordinator", error: await withClient(options, (client) => checkFile(client, reading)) };
  } catch (thrown) {
    if (RegulusError.from(thrown).code !== "unavailable") throw thrown;
    return { checkedBy: "file", error, why: `no coordinator answers at ${options.coordinator}` };
  }
}
