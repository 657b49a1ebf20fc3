/** Rights of folders and files that hold data: their owner's only, whatever the umask. */
import { chmodSync, statSync } from "node:fs";

export const folderMode = 0o700;
export const fileMode = 0o600;

/** Takes rights of others from what is there. What belongs to somebody else is left as it is. */
export function tighten(path: string, mode: number): void {
  const seen = statSync(path, { throwIfNoEntry: false });
  if (seen === undefined || (seen.mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode);
  } catch {
    // Not ours to change; `regulus doctor` names it.
  }
}
