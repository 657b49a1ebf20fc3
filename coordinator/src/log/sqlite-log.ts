/**
 * The event log in one SQLite file: WAL with full sync, one transaction an append (the runner gives it a whole round: group commit).
 * A row holds one fact as protobuf bytes. The file is locked for as long as it is open, so one process writes it. Calls block for
 * the time of one transaction; nothing here waits for anything else.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { RegulusError } from "@regulus/proto";
import type { Append, EventLog, ReadOptions } from "../ports.js";
import {
  assertBatch,
  conflict,
  decodeFact,
  encodeFact,
  pieceBytesMax,
  pieceFactsMax,
  pieceOf,
  throwIfAborted,
  trialOf,
} from "./records.js";
import { first, SqliteFile } from "./sqlite-file.js";

/** Rows in one statement: measured here, 32 rows a statement append 1.6 times as many facts a second as one does. */
const insertRows = 32;
/** Rows removed in one transaction, so that a removal holds nobody up for long. */
const removeRows = 10_000;
/** The trial column of facts about the search as a whole. */
const noTrial = -1;

/** How a log file is opened. */
export interface SqliteLogOptions {
  /** Path of the file; it and its folder are made where they are missing. */
  readonly path: string;
  /** Most bytes that the file may grow to; absent for no bound. Past it appends fail with "exhausted". */
  readonly bytesMax?: number;
}

/**
 * Opens a log. Fails with "failed-precondition" where another process has it open or it was written by a newer version (and leaves
 * it untouched), with "data-loss" where the file is something else, with "unavailable" where it can't be read or written.
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<EventLog> {
  const log = new SqliteLog(options.path);
  await log.open(options.bytesMax);
  return log;
}

type Row = readonly [number, Uint8Array];

/** Where a read is: the facts of a search, or of one trial of it, after a position. */
interface Place {
  readonly key: number;
  readonly after: number;
  readonly end: number;
  readonly about: ReadOptions["about"];
}

class SqliteLog implements EventLog {
  readonly #file: SqliteFile;
  /** Keys of searches, by id: saves one look-up an append. */
  readonly #keys = new Map<string, number>();
  #open = true;

  constructor(path: string) {
    this.#file = new SqliteFile(path);
  }

  async open(bytesMax: number | undefined): Promise<void> {
    try {
      this.#file.begin(bytesMax);
      await this.#removeLeftovers();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  async append(batch: readonly Append[]): Promise<void> {
    this.#assertOpen();
    assertBatch(batch);
    const added: string[] = [];
    try {
      this.#file.guard(() => this.#file.transaction(() => this.#write(batch, added)));
    } catch (thrown) {
      for (const searchId of added) this.#keys.delete(searchId);
      throw thrown;
    }
  }

  async *read(searchId: string, after: number, options: ReadOptions = {}) {
    this.#assertOpen();
    throwIfAborted(options.signal);
    const key = this.#keyOf(searchId);
    if (key === undefined) return;
    const end = this.#file.guard(() => this.#file.number("SELECT position FROM searches WHERE key = ?", key));
    let position = after;
    while (position < end) {
      const place = { key, after: position, end, about: options.about };
      const piece = this.#file.guard(() => this.#nextPiece(place, options.bytesMax ?? pieceBytesMax));
      if (piece.facts === 0) break;
      if (options.room !== undefined) {
        await options.room(piece.bytes);
        throwIfAborted(options.signal);
        this.#assertOpen();
      }
      const rows = this.#file.guard(() => this.#rows(place, piece.facts));
      if (rows.length === 0) break;
      const facts = rows.map(([at, bytes]) => decodeFact(bytes, searchId, at));
      position = rows.at(-1)?.[0] ?? end;
      yield facts;
      await nextTurn();
      throwIfAborted(options.signal);
      this.#assertOpen();
    }
  }

  async searches(): Promise<readonly string[]> {
    this.#assertOpen();
    return this.#file.guard(() =>
      this.#file
        .prepare("SELECT id FROM searches ORDER BY key")
        .all()
        .map((row) => String(first(row))),
    );
  }

  async remove(searchId: string): Promise<void> {
    this.#assertOpen();
    const key = this.#keyOf(searchId);
    if (key === undefined) return;
    this.#file.guard(() => this.#file.prepare("DELETE FROM searches WHERE key = ?").run(key));
    this.#keys.delete(searchId);
    // From here on it is gone. Its rows go in pieces; what a crash or a disk leaves of them goes when the log is opened next.
    await this.#removeRows(key).catch((thrown: unknown) => {
      if (!(thrown instanceof RegulusError)) throw thrown;
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
  }

  #write(batch: readonly Append[], added: string[]): void {
    const values: unknown[] = [];
    for (const { searchId, expected, facts } of batch) {
      const key = this.#claim(searchId, expected, expected + facts.length, added);
      for (const fact of facts) values.push(key, fact.position, trialOf(fact) ?? noTrial, encodeFact(fact));
    }
    const step = insertRows * 4;
    let at = 0;
    for (; at + step <= values.length; at += step) this.#file.prepare(insert(insertRows)).run(values.slice(at, at + step));
    if (at < values.length) this.#file.prepare(insert((values.length - at) / 4)).run(values.slice(at));
  }

  /** Moves a search's position, which is what fences writers, and answers its key. */
  #claim(searchId: string, expected: number, next: number, added: string[]): number {
    const known = this.#keyOf(searchId);
    if (known === undefined) {
      if (expected !== 0) throw conflict(searchId, expected, 0);
      const result = this.#file.prepare("INSERT INTO searches (id, position) VALUES (?, ?)").run(searchId, next);
      const key = Number(result.lastInsertRowid);
      this.#keys.set(searchId, key);
      added.push(searchId);
      return key;
    }
    const moved = this.#file
      .prepare("UPDATE searches SET position = ? WHERE key = ? AND position = ?")
      .run(next, known, expected);
    if (moved.changes === 1) return known;
    throw conflict(searchId, expected, this.#file.number("SELECT position FROM searches WHERE key = ?", known));
  }

  /** Facts and bytes of the next piece. Sizes are in the rows' heads, so that no fact is loaded for them. */
  #nextPiece(place: Place, bytesMax: number): { readonly facts: number; readonly bytes: number } {
    const [from, values] = rangeOf(place, pieceFactsMax);
    const [total] = this.#file.prepare(`SELECT count(*), sum(size) FROM (SELECT length(fact) AS size ${from})`).all(...values);
    const [facts, bytes] = Array.isArray(total) ? total.map(Number) : [];
    if (facts === undefined || bytes === undefined || facts === 0) return { facts: 0, bytes: 0 };
    if (bytes <= bytesMax) return { facts, bytes };
    const sizes = this.#file.prepare(`SELECT length(fact) ${from}`).all(...values);
    return pieceOf(
      sizes.map((row) => Number(first(row))),
      bytesMax,
    );
  }

  #rows(place: Place, facts: number): Row[] {
    const [from, values] = rangeOf(place, facts);
    if (place.about !== undefined) return rowsOf(this.#file.prepare(`SELECT position, fact ${from}`).all(...values));
    // Positions have no gaps, and decoding checks them: each column less makes a row a quarter cheaper.
    const rows = this.#file.prepare(`SELECT fact ${from}`).all(...values);
    return rowsOf(rows.map((row, index) => [place.after + 1 + index, first(row)]));
  }

  async #removeLeftovers(): Promise<void> {
    const text = "SELECT DISTINCT search FROM facts WHERE search NOT IN (SELECT key FROM searches)";
    const highest = this.#file.guard(() => this.#file.number("SELECT coalesce(max(search), 0) FROM facts"));
    const known = this.#file.guard(() => this.#file.number("SELECT count(*) FROM searches"));
    // Keys count up, so as many searches as the highest key mean that none was ever removed.
    if (highest <= known) return;
    for (const key of this.#file.guard(() =>
      this.#file
        .prepare(text)
        .all()
        .map((row) => Number(first(row))),
    ))
      await this.#removeRows(key);
  }

  async #removeRows(key: number): Promise<void> {
    const text = "DELETE FROM facts WHERE search = ? AND position <= (SELECT min(position) + ? FROM facts WHERE search = ?)";
    while (this.#open) {
      const { changes } = this.#file.guard(() => this.#file.prepare(text).run(key, removeRows, key));
      if (changes === 0) return;
      await nextTurn();
    }
  }

  #keyOf(searchId: string): number | undefined {
    const known = this.#keys.get(searchId);
    if (known !== undefined) return known;
    const found = this.#file.guard(() => this.#file.prepare("SELECT key FROM searches WHERE id = ?").all(searchId)[0]);
    if (found === undefined) return undefined;
    const key = Number(first(found));
    this.#keys.set(searchId, key);
    return key;
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", `the log ${this.#file.path} is closed`);
  }
}

function insert(rows: number): string {
  return `INSERT INTO facts (search, position, trial, fact) VALUES ${Array(rows).fill("(?, ?, ?, ?)").join(", ")}`;
}

/** What follows SELECT for the next rows of a place, and its values. */
function rangeOf({ key, after, end, about }: Place, rows: number): [from: string, values: number[]] {
  const range = "search = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?";
  if (about === undefined) return [`FROM facts WHERE ${range}`, [key, after, end, rows]];
  const trial = about === "search" ? noTrial : about.trial;
  return [`FROM facts INDEXED BY facts_of_trial WHERE trial = ? AND ${range}`, [trial, key, after, end, rows]];
}

function rowsOf(rows: readonly unknown[]): Row[] {
  return rows.map((row) => {
    const [position, bytes] = Array.isArray(row) ? row : [];
    if (typeof position !== "number" || !(bytes instanceof Uint8Array)) {
      throw new RegulusError("data-loss", "the log is damaged: a row is not a position with bytes; restore a copy");
    }
    return [position, bytes];
  });
}
