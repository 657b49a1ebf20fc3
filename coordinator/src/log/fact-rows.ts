/** Rows of facts as SQL: how they are written, and how those after a position are read. */
import type { ReadOptions } from "../ports.js";
import { pieceOf } from "./records.js";
import { damaged, sealBytes } from "./seal.js";
import { first, type SqliteFile } from "./sqlite-file.js";

/** Rows in one statement: measured here, 32 rows a statement append 1.6 times as many facts a second as one does. */
export const insertRows = 32;
/** The trial column of facts about the search as a whole. */
export const noTrial = -1;

/**
 * Columns as they are read. A damaged value may be of any type, and the driver ends the whole process where a text is not UTF-8: so the types are
 * asked for.
 */
export const factColumn = "CAST(fact AS BLOB)";
export const positionColumn = "CAST(position AS INTEGER)";

/** A position, or another number, and a fact with its seal. */
export type Row = readonly [number, Uint8Array];

/** Where a read is: the facts of a search, or of one trial of it, after a position. */
export interface Place {
  readonly key: number;
  readonly after: number;
  readonly end: number;
  readonly about: ReadOptions["about"];
}

/** The statement that writes so many rows of a search. Its values: the search and the first position, then trial and fact of each row. */
export function insert(rows: number): string {
  inserts[rows] ??=
    `INSERT INTO facts (search, position, trial, fact) VALUES ${Array.from({ length: rows }, rowValues).join(", ")}`;
  return inserts[rows];
}

/** Texts of statements by their number of rows: to make one costs as much as to run it. */
const inserts: string[] = [];

/** Two values less for each row than with all four: binding them is a third of the cost. */
function rowValues(_: unknown, index: number): string {
  return `(?1, ?2 + ${index}, ?${2 * index + 3}, ?${2 * index + 4})`;
}

/** What follows SELECT for the next rows of a place, and its values. */
export function rangeOf({ key, after, end, about }: Place, rows: number): [from: string, values: number[]] {
  const range = "search = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?";
  if (about === undefined) return [`FROM facts WHERE ${range}`, [key, after, end, rows]];
  const trial = about === "search" ? noTrial : about.trial;
  return [`FROM facts INDEXED BY facts_of_trial WHERE trial = ? AND ${range}`, [trial, key, after, end, rows]];
}

export function rowsOf(rows: readonly unknown[]): Row[] {
  return rows.map(rowOf);
}

export function rowOf(row: unknown): Row {
  const [position, bytes] = Array.isArray(row) ? row : [];
  if (typeof position !== "number" || !(bytes instanceof Uint8Array)) throw damaged("a row is not a number with bytes");
  return [position, bytes];
}

/** Facts and bytes of the next piece. Sizes are in the rows' heads, so that no fact is loaded for them. */
export function nextPiece(
  file: SqliteFile,
  place: Place,
  bytesMax: number,
  rows: number,
): { readonly facts: number; readonly bytes: number } {
  const [from, values] = rangeOf(place, rows);
  const [total] = file
    .prepare(`SELECT count(*), sum(size) FROM (SELECT length(fact) - ${sealBytes} AS size ${from})`)
    .all(...values);
  const [facts, bytes] = Array.isArray(total) ? total.map(Number) : [];
  if (facts === undefined || bytes === undefined || facts === 0) return { facts: 0, bytes: 0 };
  if (bytes <= bytesMax) return { facts, bytes };
  const sizes = file.prepare(`SELECT length(fact) - ${sealBytes} ${from}`).all(...values);
  return pieceOf(
    sizes.map((row) => Number(first(row))),
    bytesMax,
  );
}

/** The next rows of a place. */
export function rowsAt(file: SqliteFile, place: Place, facts: number): Row[] {
  const [from, values] = rangeOf(place, facts);
  if (place.about !== undefined) return rowsOf(file.prepare(`SELECT ${positionColumn}, ${factColumn} ${from}`).all(...values));
  // Positions have no gaps, and decoding checks them: each column less makes a row a quarter cheaper.
  const rows = file.prepare(`SELECT ${factColumn} ${from}`).all(...values);
  return rowsOf(rows.map((row, index) => [place.after + 1 + index, first(row)]));
}
