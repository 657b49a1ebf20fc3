/** Why a program could not be started, in words that name what is missing: its folder, or the program itself. */
import { statSync } from "node:fs";
import { resolve } from "node:path";

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

function directoryProblem(directory: string): string | undefined {
  const full = resolve(directory);
  const named = full === directory ? directory : `${directory} (${full}, seen from where the agent was started)`;
  const stats = statSync(full, { throwIfNoEntry: false });
  if (stats === undefined) return `its directory ${named} does not exist on this agent; expected a directory (command.directory)`;
  if (!stats.isDirectory()) return `its directory ${named} is not a directory; expected one (command.directory)`;
  return undefined;
}
