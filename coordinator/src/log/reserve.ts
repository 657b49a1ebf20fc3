/**
 * Room on the disk that is kept for what makes room: a file of bytes that are worth nothing. Where the disk is full it gives way for the moment in
 * which a search is stopped or deleted, and takes back what is left at once, so that nobody else fills it.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, ftruncateSync, openSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { RegulusError } from "@regulus/proto";
import { fileMode } from "../file-modes.js";

/** What a coordinator keeps: room for the ends of some 30,000 trials, several times what a stop or a piece of a removal takes. */
export const reserveBytes = 16 * 1024 * 1024;
/** Of a small disk, this part of what is free is kept at most. */
const partOfFree = 1 / 8;
/** Bytes of one write. */
const pieceBytes = 256 * 1024;
/** Least time between two tries to take back what is missing. */
const retryMs = 5000;

export class Reserve {
  readonly #path: string;
  readonly #bytesMax: number;
  /** Bytes that are wanted; what is there already counts as wanted. */
  #wanted = 0;
  #isWhole = false;
  #triedMs = Number.NEGATIVE_INFINITY;

  /** @param bytesMax what is kept where the disk has room for it; what is there already may be more. */
  constructor(path: string, bytesMax = 0) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  /** Does work that makes room: where there is none, again with what is kept here. `settle` is called before that is taken back. */
  spend<T>(work: (isSpent: boolean) => T, settle: () => void): T {
    try {
      return work(false);
    } catch (thrown) {
      if (!isFull(thrown) || !this.release()) throw thrown;
      try {
        return work(true);
      } finally {
        settle();
        this.fill();
      }
    }
  }

  /** Gives bytes of it to the disk, all where it is not said how many. Answers whether there were any. */
  release(most = Number.POSITIVE_INFINITY): boolean {
    this.#isWhole = false;
    const bytes = this.#bytes();
    this.#wanted = Math.max(this.#wanted, bytes);
    if (bytes === 0) return false;
    try {
      const file = openSync(this.#path, "r+");
      try {
        ftruncateSync(file, Math.max(0, bytes - most));
      } finally {
        closeSync(file);
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Takes as much as there is room for, up to what is wanted. What does not fit is taken later. */
  fill(): void {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      const part = Math.floor((this.#bytes() + bavail * bsize) * partOfFree);
      this.#wanted = Math.max(this.#wanted, Math.min(this.#bytesMax, part));
    } catch {
      // Where the folder is gone there is nothing to keep.
    }
    this.restore();
  }

  /** Takes what was given to the disk. */
  restore(): void {
    this.#triedMs = performance.now();
    try {
      const before = this.#bytes();
      this.#wanted = Math.max(this.#wanted, before);
      if (this.#wanted === before) {
        this.#isWhole = true;
        return;
      }
      // Bytes that do not shrink where the disk packs them.
      const piece = randomFillSync(new Uint8Array(pieceBytes));
      const file = openSync(this.#path, "a", fileMode);
      try {
        for (let at = before; at < this.#wanted; ) {
          at += writeSync(file, piece, 0, Math.min(pieceBytes, this.#wanted - at));
        }
        this.#isWhole = true;
      } finally {
        closeSync(file);
      }
    } catch {
      // A full disk: whoever writes next is told. It is tried again.
    }
  }

  /** Fills it where some is missing and it was not tried just now. */
  refill(): void {
    if (!this.#isWhole && performance.now() - this.#triedMs >= retryMs) this.fill();
  }

  #bytes(): number {
    return sizeOf(this.#path);
  }
}

/** Bytes of a file; 0 for none, also below what is no folder: whoever opens the log there says so. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** Whether something failed for want of room. */
export function isFull(thrown: unknown): boolean {
  return thrown instanceof RegulusError && thrown.code === "exhausted";
}
