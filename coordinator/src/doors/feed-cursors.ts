/**
 * The position of the event feed in each search, kept in a small file beside the log. A hint: where it is missing, torn or about another
 * stream, the feed asks the stream itself.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileMode } from "../file-modes.js";

/** The file's version; a file with another one is ignored. */
const version = 1;

/** Position of the newest acknowledged fact, by search. */
export type Cursors = Map<string, number>;

/** Cursors that were kept for a stream, which `created` tells from an earlier one of the same name. Empty where there are none. */
export function readCursors(path: string, created: string): Cursors {
  try {
    const document: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof document !== "object" || document === null || !("searches" in document)) return new Map();
    const same = "version" in document && document.version === version && "created" in document && document.created === created;
    const searches = document.searches;
    if (!same || typeof searches !== "object" || searches === null) return new Map();
    const pairs: [string, unknown][] = Object.entries(searches);
    return new Map(pairs.filter((pair): pair is [string, number] => Number.isSafeInteger(pair[1])));
  } catch {
    return new Map();
  }
}

/** Replaces the file in one step, so that it is never half written. */
export function writeCursors(path: string, created: string, cursors: Cursors): void {
  const scratch = `${path}.new`;
  writeFileSync(scratch, JSON.stringify({ version, created, searches: Object.fromEntries(cursors) }), { mode: fileMode });
  renameSync(scratch, path);
}
