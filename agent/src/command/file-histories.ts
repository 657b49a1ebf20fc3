/**
 * How a program writes each file of its checkpoint folder, seen from one announcement to the next: a file that it replaces (written beside, then
 * renamed) stays whole under another name, one that it writes in place does not. Pure.
 */

/** What tells one state of a file from another. */
export interface FileState {
  readonly inode: bigint;
  readonly bornMs: number;
  readonly size: number;
  readonly modifiedMs: number;
}

interface History {
  last: FileState;
  isReplaced: boolean;
  isWrittenInPlace: boolean;
}

export class FileHistories {
  readonly #files = new Map<string, History>();

  /** Notes a file as it is now. True if a hard link keeps it: it was replaced before and never written in place. */
  isKeptByLink(path: string, now: FileState): boolean {
    const history = this.#files.get(path) ?? { last: now, isReplaced: false, isWrittenInPlace: false };
    // A number of a removed file is given to the next one, which is born later.
    if (history.last.inode !== now.inode || history.last.bornMs !== now.bornMs) history.isReplaced = true;
    else if (isWritten(history.last, now)) history.isWrittenInPlace = true;
    history.last = now;
    this.#files.set(path, history);
    return history.isReplaced && !history.isWrittenInPlace;
  }
}

/** Whether a file was written to between two looks at it; not if another one has its name now. */
export function isWritten(before: FileState, now: FileState): boolean {
  const isSame = before.inode === now.inode && before.bornMs === now.bornMs;
  return isSame && (before.size !== now.size || before.modifiedMs !== now.modifiedMs);
}
