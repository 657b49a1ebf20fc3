/**
 * The process that holds a log or a data folder: a process id and when that process began, in a file of its own. For those who look at the files and
 * have no lock of the system to ask. The beginning tells a process from a later one that was given its number.
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

/** A living process that holds something. */
export interface Holder {
  readonly pid: number;
  /** Its command line, with zero bytes between the words; undefined where the system does not tell. */
  readonly command: string | undefined;
}

/** Another living process that a file names; undefined where it names none, or one that has ended. */
export function livingHolder(path: string): Holder | undefined {
  const [id = "", began] = readText(path).trim().split(" ");
  const pid = Number(id);
  if (!(pid > 0) || pid === process.pid || !isThere(pid)) return undefined;
  const seen = processOf(pid);
  if (seen === undefined) return { pid, command: undefined };
  // One that ended and that nobody has asked for its result is no holder.
  if (/[ZX]/.test(seen.state)) return undefined;
  const command = readText(`/proc/${pid}/cmdline`);
  // Where it did not say when it began, its number may be anybody's.
  const isSame = began === undefined ? command.includes("node") : seen.began === began;
  return isSame ? { pid, command } : undefined;
}

/** Whether there is a process of a number, whoever's it is. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
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
