/**
 * The event log in one SQLite file: WAL with full sync, one transaction an append (the runner gives it a whole round: group commit).
 * A row holds one fact as protobuf bytes. The file is locked for as long as it is open, so one process writes it. Calls block for
 * the time of one transaction; nothing here waits for anything else.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { logVersion, RegulusError } from "@regulus/proto";
import Database from "libsql";
import type { Append, EventLog, ReadOptions } from "../ports.js";
import { assertBatch, conflict, decodeFact, encodeFact, throwIfAborted, trialOf } from "./records.js";
import { fromSqlite } from "./sqlite-errors.js";

/** "RGLS": tells a log of Regulus from other SQLite files. */
const applicationId = 0x52474c53;
/** Facts in one piece of a read: about 1 ms of decoding between two turns of the event loop. */
const chunkFacts = 500;
/** Rows in one statement: measured here, 32 rows a statement append 1.6 times as many facts a second as one does. */
const insertRows = 32;
/** Rows removed in one transaction, so that a removal holds nobody up for long. */
const removeRows = 10_000;
/** The trial column of facts about the search as a whole. */
const noTrial = -1;

const schema = `
  CREATE TABLE searches (key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL);
  CREATE TABLE facts (search INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, fact BLOB NOT NULL,
    PRIMARY KEY (search, position)) WITHOUT ROWID;
  CREATE INDEX facts_of_trial ON facts (search, trial, position);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${logVersion};`;

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

class SqliteLog implements EventLog {
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  /** Keys of searches, by id: saves one look-up an append. */
  readonly #keys = new Map<string, number>();
  #open = true;

  constructor(path: string) {
    this.#path = path;
    this.#db = this.#guard(() => {
      makeFolder(path);
      return new Database(path, { timeout: 0 });
    });
  }

  async open(bytesMax: number | undefined): Promise<void> {
    try {
      this.#guard(() => {
        // Exclusive locking also keeps the WAL index out of shared memory, so a network file system's lack of it does no harm.
        this.#db.exec("PRAGMA locking_mode = EXCLUSIVE");
        this.#checkVersion();
        this.#db.exec("PRAGMA journal_mode = WAL");
        this.#db.exec("PRAGMA synchronous = FULL");
        if (this.#number("PRAGMA user_version") === 0) this.#transaction(() => this.#db.exec(schema));
        if (bytesMax !== undefined) {
          this.#db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / this.#number("PRAGMA page_size")))}`);
        }
      });
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
      this.#guard(() => this.#transaction(() => this.#write(batch, added)));
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
    const end = this.#guard(() => this.#number("SELECT position FROM searches WHERE key = ?", key));
    let position = after;
    while (position < end) {
      const rows = this.#guard(() => this.#rows(key, position, end, options.about));
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
    return this.#guard(() =>
      this.#prepare("SELECT id FROM searches ORDER BY key")
        .all()
        .map((row) => String(first(row))),
    );
  }

  async remove(searchId: string): Promise<void> {
    this.#assertOpen();
    const key = this.#keyOf(searchId);
    if (key === undefined) return;
    this.#guard(() => this.#prepare("DELETE FROM searches WHERE key = ?").run(key));
    this.#keys.delete(searchId);
    // From here on it is gone. Its rows go in pieces; what a crash or a disk leaves of them goes when the log is opened next.
    await this.#removeRows(key).catch((thrown: unknown) => {
      if (!(thrown instanceof RegulusError)) throw thrown;
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#unlock();
    this.#db.close();
  }

  /** Refuses files of other programs and of newer versions before anything is written. */
  #checkVersion(): void {
    const version = this.#number("PRAGMA user_version");
    const id = this.#number("PRAGMA application_id");
    const tables = this.#number("SELECT count(*) FROM sqlite_master");
    if (version > logVersion) {
      throw new RegulusError(
        "failed-precondition",
        `the log ${this.#path} has version ${version}, this coordinator knows up to ${logVersion}; start a newer coordinator. The file was left as it is`,
      );
    }
    if (id !== applicationId && (version > 0 || tables > 0)) {
      throw new RegulusError("data-loss", `${this.#path} is a database of another program; name another file`);
    }
  }

  /** Gives the lock back now: closing alone would only do so once every statement was collected as garbage. */
  #unlock(): void {
    try {
      this.#db.exec("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_master");
    } catch {
      // A full disk, or a file that was never ours: the lock goes with the process at the latest.
    }
  }

  #write(batch: readonly Append[], added: string[]): void {
    const values: unknown[] = [];
    for (const { searchId, expected, facts } of batch) {
      const key = this.#claim(searchId, expected, expected + facts.length, added);
      for (const fact of facts) values.push(key, fact.position, trialOf(fact) ?? noTrial, encodeFact(fact));
    }
    const step = insertRows * 4;
    let at = 0;
    for (; at + step <= values.length; at += step) this.#prepare(insert(insertRows)).run(values.slice(at, at + step));
    if (at < values.length) this.#prepare(insert((values.length - at) / 4)).run(values.slice(at));
  }

  /** Moves a search's position, which is what fences writers, and answers its key. */
  #claim(searchId: string, expected: number, next: number, added: string[]): number {
    const known = this.#keyOf(searchId);
    if (known === undefined) {
      if (expected !== 0) throw conflict(searchId, expected, 0);
      const result = this.#prepare("INSERT INTO searches (id, position) VALUES (?, ?)").run(searchId, next);
      const key = Number(result.lastInsertRowid);
      this.#keys.set(searchId, key);
      added.push(searchId);
      return key;
    }
    const moved = this.#prepare("UPDATE searches SET position = ? WHERE key = ? AND position = ?").run(next, known, expected);
    if (moved.changes === 1) return known;
    throw conflict(searchId, expected, this.#number("SELECT position FROM searches WHERE key = ?", known));
  }

  #rows(key: number, after: number, end: number, about: ReadOptions["about"]): Row[] {
    const range = "search = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?";
    if (about === undefined) {
      // Positions have no gaps, and decoding checks them: each column less makes a row a quarter cheaper.
      const facts = this.#prepare(`SELECT fact FROM facts WHERE ${range}`).all(key, after, end, chunkFacts);
      return rowsOf(facts.map((row, index) => [after + 1 + index, first(row)]));
    }
    const trial = about === "search" ? noTrial : about.trial;
    const text = `SELECT position, fact FROM facts INDEXED BY facts_of_trial WHERE trial = ? AND ${range}`;
    return rowsOf(this.#prepare(text).all(trial, key, after, end, chunkFacts));
  }

  async #removeLeftovers(): Promise<void> {
    const text = "SELECT DISTINCT search FROM facts WHERE search NOT IN (SELECT key FROM searches)";
    const highest = this.#guard(() => this.#number("SELECT coalesce(max(search), 0) FROM facts"));
    const known = this.#guard(() => this.#number("SELECT count(*) FROM searches"));
    // Keys count up, so as many searches as the highest key mean that none was ever removed.
    if (highest <= known) return;
    for (const key of this.#guard(() =>
      this.#prepare(text)
        .all()
        .map((row) => Number(first(row))),
    ))
      await this.#removeRows(key);
  }

  async #removeRows(key: number): Promise<void> {
    const text = "DELETE FROM facts WHERE search = ? AND position <= (SELECT min(position) + ? FROM facts WHERE search = ?)";
    while (this.#open) {
      const { changes } = this.#guard(() => this.#prepare(text).run(key, removeRows, key));
      if (changes === 0) return;
      await nextTurn();
    }
  }

  #keyOf(searchId: string): number | undefined {
    const known = this.#keys.get(searchId);
    if (known !== undefined) return known;
    const found = this.#guard(() => this.#prepare("SELECT key FROM searches WHERE id = ?").all(searchId)[0]);
    if (found === undefined) return undefined;
    const key = Number(first(found));
    this.#keys.set(searchId, key);
    return key;
  }

  #number(text: string, ...values: readonly unknown[]): number {
    return Number(first(this.#prepare(text).all(...values)[0]) ?? 0);
  }

  /** A statement that gives rows as arrays. Kept for the next call. */
  #prepare(text: string): Database.Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    if (/^(SELECT|PRAGMA)/.test(text)) statement.raw(true);
    this.#statements.set(text, statement);
    return statement;
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (thrown) {
      // SQLite has rolled back by itself where the disk was full or failed.
      if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
      throw thrown;
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw fromSqlite(thrown, this.#path);
    }
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", `the log ${this.#path} is closed`);
  }
}

function insert(rows: number): string {
  return `INSERT INTO facts (search, position, trial, fact) VALUES ${Array(rows).fill("(?, ?, ?, ?)").join(", ")}`;
}

function first(row: unknown): unknown {
  return Array.isArray(row) ? row[0] : undefined;
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

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    const seen = cause instanceof Error ? cause.message : String(cause);
    throw new RegulusError("unavailable", `no folder for the log ${path} (${seen}); name another one or make it writable`, {
      cause,
    });
  }
}
