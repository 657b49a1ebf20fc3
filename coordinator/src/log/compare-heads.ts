/** Compares where searches end in a log with what its witness says: every acknowledged fact has to be there. */
import { counted } from "@regulus/proto";
import { chainOf, damaged, type Head } from "./seal.js";
import { first, type SqliteFile } from "./sqlite-file.js";
import type { Testimony, WitnessedSearch } from "./witness.js";

/** Where each search of a file ends, oldest first. Fails with "data-loss" where a row can't be one. */
export function headsIn(file: SqliteFile): readonly WitnessedSearch[] {
  // As in fact-rows.ts: a damaged value may be of any type, and the driver ends the process where a text is not UTF-8.
  const text = "SELECT key, CAST(id AS BLOB), CAST(position AS INTEGER), CAST(chain AS INTEGER) FROM searches ORDER BY key";
  return file
    .guard(() => file.prepare(text).all())
    .map((row) => {
      const [key, id, position, chain] = Array.isArray(row) ? row : [];
      if (!isCount(key) || !(id instanceof Uint8Array) || !isCount(position) || typeof chain !== "number") {
        throw damaged(`row ${String(key)} of the list of searches can't be one`);
      }
      return { key, id: Buffer.from(id).toString("utf8"), position, chain };
    });
}

/** Fails with "data-loss" where a search that was acknowledged is missing, shorter or another one. A longer one is good: nobody heard of the rest. */
export function compareHeads(file: SqliteFile, heads: readonly WitnessedSearch[], testimony: Testimony): void {
  const found = new Map(heads.map((head) => [head.key, head]));
  const losses: string[] = [];
  for (const witnessed of testimony.searches.values()) {
    const loss = lossOf(file, found.get(witnessed.key), witnessed);
    if (loss !== undefined) losses.push(loss);
  }
  if (losses.length > 0) throw damaged(named(losses));
}

/** Losses as a message names them: the first few, and how many there are. */
export function named(losses: readonly string[]): string {
  const shown = losses.slice(0, 5).join("; ");
  return losses.length > 5 ? `${shown}; and ${counted(losses.length - 5, "more search", "more searches")}` : shown;
}

function lossOf(file: SqliteFile, head: WitnessedSearch | undefined, witnessed: WitnessedSearch): string | undefined {
  const { id, position } = witnessed;
  if (head === undefined || head.id !== id) return `search ${id} is missing, with ${position} acknowledged facts`;
  if (head.position < position)
    return `search ${id} ends at position ${head.position}, but was acknowledged up to position ${position}`;
  const chain = head.position === position ? head.chain : chainAt(file, head.key, position);
  return chain === witnessed.chain ? undefined : `search ${id} has other facts up to ${position} than were acknowledged`;
}

function chainAt(file: SqliteFile, key: number, position: Head["position"]): number | undefined {
  const row = file.guard(
    () => file.prepare("SELECT CAST(fact AS BLOB) FROM facts WHERE search = ? AND position = ?").all(key, position)[0],
  );
  const bytes = first(row);
  return bytes instanceof Uint8Array ? chainOf(bytes) : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}
