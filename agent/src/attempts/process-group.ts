/** Signals to a program and all that it started, and its pipes once it is gone. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";

/** Time that pipes stay open after a program's exit, in milliseconds, to be read to their ends. */
const pipesMs = 2000;

/** Whether a program has not ended yet; its end counts before it was told of, where `/proc` shows it. */
export function isRunning({ pid, exitCode, signalCode }: Pick<ChildProcess, "pid" | "exitCode" | "signalCode">): boolean {
  if (pid === undefined || exitCode !== null || signalCode !== null) return false;
  try {
    // The state stands behind the name, which may hold anything.
    return !/\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/** Signals a whole process group; one that is gone already is no error. */
export function signalGroup(group: number | undefined, signal: NodeJS.Signals): void {
  if (group === undefined) return;
  try {
    process.kill(-group, signal);
  } catch {
    // Gone already.
  }
}

/** Lets go of a program's pipes a while after its exit: a process that left its group may hold them open for ever. */
export function closePipes({ stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable }): void {
  setTimeout(() => {
    stdout.destroy();
    stderr.destroy();
  }, pipesMs).unref();
}
