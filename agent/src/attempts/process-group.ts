/** Signals to a program and all that it started. */

/** Signals a whole process group; one that is gone already is no error. */
export function signalGroup(group: number | undefined, signal: NodeJS.Signals): void {
  if (group === undefined) return;
  try {
    process.kill(-group, signal);
  } catch {
    // Gone already.
  }
}
