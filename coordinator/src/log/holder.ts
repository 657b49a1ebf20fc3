/**
 * The process that has a log open: a process id and when that process began, in a file beside the log. For those who look at the files and not through SQLite, which
 * has a lock of its own. The beginning tells a process from a later one that was given its number.
 */
import { readFileSync } from "node:fs";

/** A process as the system knows it. */
interface SystemProcess {
  /** One letter; Z and X have ended. */
  readonly state: string;
  /** Ticks between the start of the machine and its own. */
  readonly began: string;
}

/** What a process writes of itself. */
export function holderWords(): string {
  const began = processOf(process.pid)?.began;
  return `${process.pid}${began === undefined ? "" : ` ${began}`}\n`;
}

/** The id of another living process that a file names; undefined where it names none, or one that has ended. */
export function livingHolder(path: string): number | undefined {
  const [id = "", began] = readText(path).trim().split(" ");
  const pid = Number(id);
  return pid > 0 && pid !== process.pid && isAlive(pid, began) ? pid : undefined;
}

function isAlive(pid: number, began: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EPERM")) return false;
  }
  const seen = processOf(pid);
  if (seen !== undefined && /[ZX]/.test(seen.state)) return false;
  if (seen !== undefined && began !== undefined) return seen.began === began;
  // It did not say when it began: its number may be anybody's.
  const command = readText(`/proc/${pid}/cmdline`);
  return command === "" || command.includes("node");
}

/** From /proc; undefined where the system has none. */
function processOf(pid: number): SystemProcess | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, which may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, began] = [fields[0], fields[19]];
  return state === undefined || began === undefined ? undefined : { state, began };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
