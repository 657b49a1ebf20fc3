/** Why a program could not be started, in words that name what is missing: its folder, or the program itself. */
import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { show } from "@regulus/proto";

/** Node reports a working directory that does not exist as a program that does not exist (ENOENT), so the directory is looked at first. */
export function startFailure(program: string, directory: string, error: Error): string {
  const missing = directory === "" ? undefined : directoryProblem(directory);
  if (missing !== undefined) return `the program ${program} could not be started: ${missing}`;
  const where = directory === "" ? "" : ` in ${directory}`;
  const expected =
    "code" in error && error.code === "EACCES"
      ? "expected a file that this agent's user may execute"
      : "expected a program on this agent's PATH";
  return `the program ${program} could not be started${where}: ${error.message}; ${expected}`;
}

/** Where a program runs, in words, if that may surprise its user; empty else. */
export function placeOf(directory: string): string {
  if (directory === "") return "it ran in a scratch folder of the attempt, because command.directory is empty";
  if (isAbsolute(directory)) return "";
  return `it ran in ${resolve(directory)}, where command.directory ${show(directory)} leads from the agent's own folder`;
}

function directoryProblem(directory: string): string | undefined {
  const full = resolve(directory);
  const named = full === directory ? directory : `${directory} (${full}, seen from where the agent was started)`;
  const stats = statSync(full, { throwIfNoEntry: false });
  if (stats === undefined) return `its directory ${named} does not exist on this agent; expected a directory (command.directory)`;
  if (!stats.isDirectory()) return `its directory ${named} is not a directory; expected one (command.directory)`;
  return undefined;
}
