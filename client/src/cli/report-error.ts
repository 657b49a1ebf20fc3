/** Prints an error for the user: a message on standard error, one problem per line, without a stack for user errors. */

import { type Problem, RegulusError } from "@regulus/proto";
import { CommanderError } from "commander";
import { counted } from "../display/numbers.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { toJson } from "./json.js";
import { note } from "./output.js";

/** Writes the error and answers the exit code. With `json`, standard error gets one JSON object. */
export function reportError(thrown: unknown, { json }: { readonly json: boolean }): number {
  // Commander has already written what was wrong with the usage, or the help that was asked for.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.good : exitCodes.badInput;
  const error = RegulusError.from(thrown);
  if (json) note(toJson({ error: { code: error.code, message: error.message, problems: error.problems } }));
  else if (error.problems.length > 0) note(problemLines(error.problems));
  else note(`regulus: ${error.message}`);
  if (error.code === "internal" && !json) note(bugWords(thrown));
  return exitCodeOf(error.code);
}

/** "3 problems:" and a line each. */
export function problemLines(problems: readonly Problem[]): string {
  const head = `regulus: ${counted(problems.length, "problem")}:`;
  return [head, ...problems.map(({ field, seen, expected }) => `  ${field}: saw ${seen}, expected ${expected}`)].join("\n");
}

/** A stack is shown only for what nobody at the keyboard can have caused. */
function bugWords(thrown: unknown): string {
  const origin = thrown instanceof RegulusError ? thrown.cause : thrown;
  const stack = origin instanceof Error && !("details" in origin) ? origin.stack : undefined;
  return `This is a bug of Regulus, please report it.${stack === undefined ? "" : `\n${stack}`}`;
}
