/**
 * Copies of a write-ahead log, as it was before SQLite looked at it: opening and closing a log moves what SQLite can read of it into the database and
 * drops the rest. A start that succeeds removes its own; that of one that found damage stays until somebody removes it, and later ones get other names.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { syncFolder } from "./witness.js";

const ending = ".kept";

export interface KeptWriteAhead {
  /** After a start that succeeded. */
  readonly forget: () => void;
  /** After one that failed and has closed the log again: the copy stays where it holds what the write-ahead log no longer does. */
  readonly settle: () => void;
}

/** All that there are. */
export function keptOf(writeAhead: string): readonly string[] {
  const folder = dirname(writeAhead);
  const prefix = `${basename(writeAhead)}${ending}`;
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)) : [];
  return names.sort().map((name) => join(folder, name));
}

/** Keeps a copy under a name of its own. Throws where none can be made: then nothing may be opened. */
export function keepWriteAhead(writeAhead: string): KeptWriteAhead {
  if ((statSync(writeAhead, { throwIfNoEntry: false })?.size ?? 0) === 0)
    return { forget: () => undefined, settle: () => undefined };
  const kept = freeName(writeAhead);
  try {
    copyFileSync(writeAhead, kept, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    syncFile(kept);
  } catch {
    // A full disk has room for a second name: SQLite drops the file by its own name, and writes nothing into it where it finds damage.
    rmSync(kept, { force: true });
    linkSync(writeAhead, kept);
  }
  syncFolder(dirname(kept));
  const forget = (): void => rmSync(kept, { force: true });
  return {
    forget,
    settle: () => {
      if (beginsWith(writeAhead, readFileSync(kept))) forget();
    },
  };
}

function freeName(writeAhead: string): string {
  const first = `${writeAhead}${ending}`;
  let path = first;
  for (let number = 2; existsSync(path); number += 1) path = `${first}-${number}`;
  return path;
}

function beginsWith(path: string, bytes: Uint8Array): boolean {
  return existsSync(path) && Buffer.compare(readFileSync(path).subarray(0, bytes.length), bytes) === 0;
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
