/**
 * The SQLite file of a log: opened, locked, told from other files, with its statements kept ready. It knows no facts; those are the
 * log's (sqlite-log.ts). What SQLite throws leaves as a RegulusError.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { logVersion, RegulusError } from "@regulus/proto";
import Database from "libsql";
import { fromSqlite } from "./sqlite-errors.js";

/** "RGLS": tells a log of Regulus from other SQLite files. */
const applicationId = 0x52474c53;

const schema = `
  CREATE TABLE searches (key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL);
  CREATE TABLE facts (search INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, fact BLOB NOT NULL,
    PRIMARY KEY (search, position)) WITHOUT ROWID;
  CREATE INDEX facts_of_trial ON facts (search, trial, position);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${logVersion};`;

export class SqliteFile {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  /** Opens a file; it and its folder are made where they are missing. */
  constructor(path: string) {
    this.path = path;
    this.#db = this.guard(() => {
      makeFolder(path);
      return new Database(path, { timeout: 0 });
    });
  }

  /** Locks it and makes it a log where it is new. `bytesMax`: most bytes that it may grow to. */
  begin(bytesMax: number | undefined): void {
    this.guard(() => {
      // Exclusive locking also keeps the WAL index out of shared memory, so a network file system's lack of it does no harm.
      this.#db.exec("PRAGMA locking_mode = EXCLUSIVE");
      this.#checkVersion();
      this.#db.exec("PRAGMA journal_mode = WAL");
      this.#db.exec("PRAGMA synchronous = FULL");
      if (this.number("PRAGMA user_version") === 0) this.transaction(() => this.#db.exec(schema));
      if (bytesMax !== undefined) {
        this.#db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / this.number("PRAGMA page_size")))}`);
      }
    });
  }

  close(): void {
    this.#statements.clear();
    this.#unlock();
    this.#db.close();
  }

  /** The first column of the first row; 0 where there is none. */
  number(text: string, ...values: readonly unknown[]): number {
    return Number(first(this.prepare(text).all(...values)[0]) ?? 0);
  }

  /** A statement that gives rows as arrays. Kept for the next call. */
  prepare(text: string): Database.Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    if (/^(SELECT|PRAGMA)/.test(text)) statement.raw(true);
    this.#statements.set(text, statement);
    return statement;
  }

  /** Runs work that is kept as a whole or not at all. */
  transaction(work: () => void): void {
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

  /** Runs work on the file; what SQLite throws becomes an error in our words. */
  guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw fromSqlite(thrown, this.path);
    }
  }

  /** Refuses files of other programs and of newer versions before anything is written. */
  #checkVersion(): void {
    const version = this.number("PRAGMA user_version");
    const id = this.number("PRAGMA application_id");
    const tables = this.number("SELECT count(*) FROM sqlite_master");
    if (version > logVersion) {
      throw new RegulusError(
        "failed-precondition",
        `the log ${this.path} has version ${version}, this coordinator knows up to ${logVersion}; start a newer coordinator. The file was left as it is`,
      );
    }
    if (id !== applicationId && (version > 0 || tables > 0)) {
      throw new RegulusError("data-loss", `${this.path} is a database of another program; name another file`);
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
}

/** The first column of a row. */
export function first(row: unknown): unknown {
  return Array.isArray(row) ? row[0] : undefined;
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
