/** The `regulus` command: arguments in, exit code out. */
import { RegulusError } from "@regulus/proto";
import { exitCodes } from "./exit-codes.js";
import { endWithReader } from "./output.js";
import { createProgram } from "./program.js";
import { reportError } from "./report-error.js";

/** Runs one command line and answers the exit code of the process. */
export async function main(argv: readonly string[]): Promise<number> {
  endWithReader();
  try {
    await createProgram().parseAsync([...argv]);
    return Number(process.exitCode ?? exitCodes.good);
  } catch (thrown) {
    if (thrown instanceof RegulusError && thrown.code === "cancelled") return exitCodes.interrupted;
    // `demo --json FILE` writes numbers to a file; its words stay words.
    return reportError(thrown, { json: argv.includes("--json") && argv[2] !== "demo" });
  }
}
