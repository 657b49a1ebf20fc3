/**
 * The SQLite file of a log: opened, locked, told from other files, with its statements kept ready. It knows no facts; those are the
 * log's (sqlite-log.ts). What SQLite throws leaves as a RegulusError.
 */
import { logVersion, RegulusError } from "@regulus/proto";
import Database from "libsql";
import { damaged } from "./seal.js";
import { fromSqlite } from "./sqlite-errors.js";

/** "RGLS": tells a log of Regulus from other SQLite files. */
const applicationId = 0x52474c53;

/** Tables and indexes, as SQLite keeps their texts. A row of facts is a fact with its seal (seal.ts). */
const schema = [
  "CREATE TABLE searches (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, chain INTEGER NOT NULL)",
  "CREATE TABLE facts (search INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, fact BLOB NOT NULL, PRIMARY KEY (search, position)) WITHOUT ROWID",
  "CREATE INDEX facts_of_trial ON facts (search, trial, position)",
];
/** Length that the write-ahead log is cut to after a long transaction, in bytes. */
const writeAheadBytesMax = 16 * 1024 * 1024;
/** Pages given back to the disk at once: about a megabyte, some milliseconds. */
const pagesFreedAtOnce = 256;

export class SqliteFile {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  /** Opens a file, which is made where it is missing. */
  constructor(path: string) {
    this.path = path;
    this.#db = this.guard(() => new Database(path, { timeout: 0 }));
  }

  /**
   * Locks it and makes it a log where it is new. Answers whether it is. `bytesMax`: most bytes that it may grow to. `assertMayBegin` hears whether
   * it is new before anything is written, and throws where it must not be made a log.
   */
  begin(bytesMax: number | undefined, assertMayBegin: (isNew: boolean) => void = () => undefined): boolean {
    return this.guard(() => {
      // Exclusive locking also keeps the WAL index out of shared memory, so a network file system's lack of it does no harm.
      this.#db.exec("PRAGMA locking_mode = EXCLUSIVE");
      this.#checkVersion();
      const isNew = this.number("PRAGMA user_version") === 0;
      assertMayBegin(isNew);
      // Deleted searches give their pages back to the disk. Has to be said before the first page is written.
      if (isNew) this.#db.exec("PRAGMA auto_vacuum = INCREMENTAL");
      this.#db.exec("PRAGMA journal_mode = WAL");
      this.#db.exec("PRAGMA synchronous = FULL");
      this.#db.exec(`PRAGMA journal_size_limit = ${writeAheadBytesMax}`);
      if (isNew) this.transaction(() => this.#create());
      if (bytesMax !== undefined) {
        this.#db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / this.number("PRAGMA page_size")))}`);
      }
      return isNew;
    });
  }

  /** Fails with "data-loss" where its pages, indexes or tables are not as SQLite and this version left them. */
  check(): void {
    // As bytes: the driver ends the process where a text is not UTF-8.
    const rows = this.prepare("SELECT CAST(sql AS BLOB) FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").all();
    const texts = rows.map((row) => Buffer.from(bytesOf(first(row))).toString("utf8"));
    if (texts.join(";\n") !== schema.join(";\n")) throw damaged(`${this.path} has other tables than a log`);
    const [found] = this.prepare("SELECT CAST(integrity_check AS BLOB) FROM pragma_integrity_check(1)").all();
    const words = Buffer.from(bytesOf(first(found))).toString("utf8");
    if (words !== "ok") throw damaged(`SQLite finds in ${this.path}: ${words}`);
  }

  /** Gives some unused pages back to the disk. Answers whether there are more. */
  shrink(): boolean {
    return this.guard(() => {
      this.#db.exec(`PRAGMA incremental_vacuum(${pagesFreedAtOnce})`);
      return this.number("PRAGMA freelist_count") > 0;
    });
  }

  /** Moves what is in the write-ahead log into the database and gives its bytes back, as far as the disk allows. */
  checkpoint(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // It stays where it is, which is as good.
    }
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

  #create(): void {
    for (const text of schema) this.#db.exec(text);
    this.#db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${logVersion}`);
  }

  /** Refuses files of other programs and versions before anything is written. */
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
    if (version < logVersion && (version > 0 || tables > 0)) {
      throw new RegulusError(
        "failed-precondition",
        `the log ${this.path} has version ${version}, which has no checksums; this coordinator reads version ${logVersion}. Finish its searches with the version that wrote it, or start with another --data. The file was left as it is`,
      );
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

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}
