/** Folders in which the doctor works, beside the log: on the same disk, so that what it writes can be renamed into place. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const prefix = "doctor-";

export function makeScratch(folder: string): string {
  return mkdtempSync(join(folder, prefix));
}

/** Whether a name is that of a scratch folder. */
export function isScratch(name: string): boolean {
  return /^doctor-[A-Za-z0-9]{6}$/.test(name);
}

/** Removes those that doctors left that were killed. */
export function removeScratches(folder: string): void {
  for (const name of readdirSync(folder)) if (isScratch(name)) rmSync(join(folder, name), { recursive: true, force: true });
}
