/** A look at the files of a folder: which there are, and what tells whether one was written to or replaced since. */
import { type BigIntStats, type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { FileState } from "./file-histories.js";

/** Files and folders that are looked at as soon as a line is read: for some milliseconds. */
const statesMax = 2_000;

/** The files of a folder as they are at once. Of a folder that can't be read, or of many files, as many as there were. */
export function fileStates(folder: string): ReadonlyMap<string, FileState> {
  const states = new Map<string, FileState>();
  const waiting = [""];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const entry of entriesOf(join(folder, path))) {
      const below = join(path, entry.name);
      if (states.size + waiting.length >= statesMax) return states;
      if (entry.isDirectory()) waiting.push(below);
      const stat = entry.isFile() ? statIfThere(join(folder, below)) : undefined;
      if (stat !== undefined) states.set(below, stateOf(stat));
    }
  }
  return states;
}

/** Undefined for a temporary file that got its name meanwhile. */
function statIfThere(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** None where the folder can't be read: freezing it says what is wrong. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** What is compared of a file. */
export function stateOf({ ino, size, mtimeNs, birthtimeNs }: BigIntStats): FileState {
  return { inode: ino, size: Number(size), modifiedMs: toMs(mtimeNs), bornMs: toMs(birthtimeNs) };
}

/** With its fraction: two writes may lie within a millisecond. */
function toMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}
