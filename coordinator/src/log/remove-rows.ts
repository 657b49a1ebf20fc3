/** The rows of removed searches: in pieces, so that a removal holds nobody up for long, and what a crash or a full disk left of them. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { factColumn, rowOf } from "./fact-rows.js";
import { decodeAnyFact } from "./records.js";
import { damaged, unseal } from "./seal.js";
import type { SqliteFile } from "./sqlite-file.js";
import type { WitnessedSearch } from "./witness.js";

/** Rows removed in one transaction; and on a full disk, so that it fits into what is kept for it. */
const removeRowsMax = 10_000;
const removeRowsOnReserve = 1000;

/** What a removal works on. */
export interface Removal {
  readonly file: SqliteFile;
  readonly isOpen: () => boolean;
  /** Does work that makes room, on a full disk as well. */
  readonly onReserve: <T>(work: (isOnReserve: boolean) => T) => T;
}

/** Removes the rows of a search that is no longer listed, and gives their pages back to the disk. */
export async function removeRows({ file, isOpen, onReserve }: Removal, key: number): Promise<void> {
  const text = "DELETE FROM facts WHERE search = ? AND position <= (SELECT min(position) + ? FROM facts WHERE search = ?)";
  const removed = (rows: number): number => file.guard(() => Number(file.prepare(text).run(key, rows, key).changes));
  while (isOpen() && onReserve((isOnReserve) => removed(isOnReserve ? removeRowsOnReserve : removeRowsMax)) > 0) await nextTurn();
  while (isOpen() && onReserve(() => file.shrink())) await nextTurn();
  // Only then is the file shorter.
  if (isOpen()) file.checkpoint();
}

/** Removes the rows of searches that are no longer listed. Fails with "data-loss" where they are those of one that is. */
export async function removeLeftovers(removal: Removal, heads: ReadonlyMap<string, WitnessedSearch>): Promise<void> {
  const { file } = removal;
  const text = `SELECT CAST(search AS INTEGER), ${factColumn} FROM facts WHERE (search, position) IN
      (SELECT search, min(position) FROM facts WHERE search NOT IN (SELECT key FROM searches) GROUP BY search)`;
  const highest = file.guard(() => file.number("SELECT CAST(coalesce(max(search), 0) AS INTEGER) FROM facts"));
  // Keys count up, so as many searches as the highest key mean that none was ever removed.
  if (highest <= heads.size) return;
  for (const row of file.guard(() => file.prepare(text).all())) {
    const [key, bytes] = rowOf(row);
    const where = `a row of the removed search ${key}`;
    const { searchId } = decodeAnyFact(
      unseal(bytes, undefined, () => where),
      where,
    );
    // A row of a search that is there and lacks one, under a damaged key, is no leftover.
    const head = heads.get(searchId);
    const count = "SELECT count(*) FROM facts WHERE search = ?";
    if (head !== undefined && file.guard(() => file.number(count, head.key)) < head.position) {
      throw damaged(`a row of search ${searchId} stands under another search's key ${key}`);
    }
    await removeRows(removal, key);
  }
}
