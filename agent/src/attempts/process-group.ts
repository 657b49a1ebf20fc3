/** Signals to a program and all that it started, and its pipes once it is gone. */
import type { Readable } from "node:stream";

/** Time that pipes stay open after a program's exit, in milliseconds, to be read to their ends. */
const pipesMs = 2000;

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
