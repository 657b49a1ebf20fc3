/** The file of a log: how it is opened, what is refused, and what failures of SQLite and of the disk are called. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { logVersion, RegulusError } from "@regulus/proto";
import Database from "libsql";
import { fromSqlite, fromSystem } from "./sqlite-errors.js";
import { first, SqliteFile } from "./sqlite-file.js";

const root = mkdtempSync(join(tmpdir(), "regulus-file-"));
after(() => rmSync(root, { recursive: true, force: true }));
let path: string;
let files = 0;
beforeEach(() => {
  files += 1;
  path = join(root, `${files}.sqlite`);
});

const withCode =
  (code: RegulusError["code"], words = /./) =>
  (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.code === code && words.test(thrown.message);

describe("a log's file", () => {
  it("is durable at each commit, locked while it is open, waits for nobody and stays small", () => {
    const file = new SqliteFile(path);
    assert.equal(file.begin(undefined), true);
    const text = (pragma: string) => first(file.prepare(`PRAGMA ${pragma}`).all()[0]);
    assert.deepEqual(
      ["synchronous", "journal_mode", "locking_mode", "busy_timeout", "auto_vacuum", "journal_size_limit"].map(text),
      [2, "wal", "exclusive", 0, 2, 16 * 1024 * 1024],
    );
    file.check();
    file.close();
    const again = new SqliteFile(path);
    assert.equal(again.begin(undefined), false);
    again.check();
    again.close();
  });

  it("grows to its bound and no further", () => {
    const bytesMax = 100_000;
    const file = new SqliteFile(path);
    file.begin(bytesMax);
    assert.equal(file.number("PRAGMA max_page_count"), Math.floor(bytesMax / file.number("PRAGMA page_size")));
    const fill = () =>
      file.guard(() =>
        file.prepare("INSERT INTO facts VALUES (1, ?, 0, zeroblob(5000))").run(file.number("SELECT count(*) FROM facts")),
      );
    assert.throws(
      () => {
        for (let row = 0; row < 100; row += 1) fill();
      },
      withCode("exhausted", /no space for the log/),
    );
    assert.ok(file.number("SELECT count(*) FROM facts") >= 12, "and is of use until then");
    file.close();
    assert.ok(statSync(path).size <= bytesMax);
    const tiny = new SqliteFile(`${path}-tiny`);
    tiny.begin(undefined);
    tiny.close();
    const bounded = new SqliteFile(`${path}-tiny`);
    assert.equal(bounded.begin(1), false, "a bound below a page leaves what is there readable");
    bounded.close();
  });

  it("is asked about before anything is written, and left as it was where the answer is no", () => {
    const file = new SqliteFile(path);
    const seen: boolean[] = [];
    const no = new RegulusError("data-loss", "no");
    assert.throws(
      () =>
        file.begin(undefined, (isNew) => {
          seen.push(isNew);
          throw no;
        }),
      no,
    );
    assert.deepEqual([seen, file.number("SELECT count(*) FROM sqlite_master")], [[true], 0]);
    file.close();
  });

  it("of another program or version is refused by its name, and one of ours or an empty one is taken", () => {
    const ours = 0x52474c53;
    const begin = (id: number, version: number, tables: number): string => {
      files += 1;
      const made = join(root, `${files}.sqlite`);
      const db = new Database(made);
      if (tables > 0) db.exec("CREATE TABLE notes (text TEXT)");
      db.exec(`PRAGMA application_id = ${id}; PRAGMA user_version = ${version}`);
      db.close();
      const file = new SqliteFile(made);
      try {
        return file.begin(undefined) ? "new" : "known";
      } catch (thrown) {
        return thrown instanceof RegulusError ? thrown.code : String(thrown);
      } finally {
        file.close();
      }
    };
    assert.equal(begin(0, 0, 0), "new");
    assert.equal(begin(ours, logVersion, 1), "known");
    assert.equal(begin(ours, logVersion + 1, 1), "failed-precondition");
    assert.equal(begin(ours, logVersion - 1, 1), "failed-precondition");
    assert.equal(begin(ours, 0, 1), "failed-precondition");
    assert.equal(begin(0, logVersion, 0), "data-loss");
    assert.equal(begin(7, 1, 1), "data-loss");
    assert.equal(begin(0, 0, 1), "data-loss");
  });

  it("with other tables, or damaged ones, is damage", () => {
    const file = new SqliteFile(path);
    file.begin(undefined);
    file.transaction(() => void file.prepare("CREATE TABLE more (x)").run());
    assert.throws(() => file.check(), withCode("data-loss", /other tables than a log/));
    file.close();
    const broken = new SqliteFile(`${path}-2`);
    broken.begin(undefined);
    broken.prepare("INSERT INTO searches VALUES (1, 'a', 1, 1)").run();
    broken.check();
    broken.close();
    const db = new Database(`${path}-2`);
    db.exec(
      "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'facts_of_trial', 'facts_of_trials') WHERE type = 'index'",
    );
    db.close();
    const seen = new SqliteFile(`${path}-2`);
    assert.throws(() => {
      seen.guard(() => {
        seen.begin(undefined);
        seen.check();
      });
    }, withCode("data-loss"));
    seen.close();
  });

  it("keeps a transaction as a whole or not at all, and continues after one that failed", () => {
    const file = new SqliteFile(path);
    file.begin(undefined);
    const add = (key: number) => void file.prepare("INSERT INTO searches VALUES (?, ?, 1, 1)").run(key, `s${key}`);
    const failure = new Error("in the middle");
    assert.throws(
      () =>
        file.transaction(() => {
          add(1);
          throw failure;
        }),
      failure,
    );
    file.transaction(() => {
      add(2);
      add(3);
    });
    assert.equal(file.number("SELECT count(*) FROM searches"), 2);
    assert.equal(file.number("SELECT key FROM searches WHERE id = ?", "s3"), 3);
    assert.equal(file.number("SELECT key FROM searches WHERE id = 'none'"), 0);
    file.close();
  });

  it("gives unused pages back a megabyte at a time", () => {
    const file = new SqliteFile(path);
    file.begin(undefined);
    file.prepare("INSERT INTO facts SELECT 1, value, 0, zeroblob(4000) FROM generate_series(1, 1000)").run();
    file.prepare("DELETE FROM facts").run();
    const pages = file.number("PRAGMA freelist_count");
    assert.ok(pages > 900, `${pages}`);
    let turns = 1;
    while (file.shrink()) turns += 1;
    assert.deepEqual([turns, file.number("PRAGMA freelist_count")], [Math.ceil(pages / 256), 0]);
    file.close();
  });
});

describe("what failed", () => {
  it("in SQLite is called by what a person does about it", () => {
    const called = (code: string): string => {
      const thrown = fromSqlite(Object.assign(new Error("why"), { code }), "p");
      return thrown instanceof RegulusError
        ? `${thrown.code} ${/\bp\b/.test(thrown.message) && thrown.message.includes(`${code}: why`)}`
        : "as it is";
    };
    const expected = {
      SQLITE_FULL: "exhausted true",
      SQLITE_BUSY: "failed-precondition true",
      SQLITE_BUSY_SNAPSHOT: "failed-precondition true",
      SQLITE_LOCKED: "failed-precondition true",
      SQLITE_CORRUPT_VTAB: "data-loss true",
      SQLITE_NOTADB: "data-loss true",
      SQLITE_IOERR_FSYNC: "unavailable true",
      SQLITE_CANTOPEN: "unavailable true",
      SQLITE_READONLY: "unavailable true",
      SQLITE_NOMEM: "unavailable true",
      SQLITE_CONSTRAINT: "as it is",
      X_SQLITE_IOERR: "as it is",
    };
    for (const [code, name] of Object.entries(expected)) assert.equal(called(code), name, code);
    const own = new RegulusError("conflict", "x");
    for (const thrown of [own, new Error("x"), "x", undefined, Object.assign(new Error("x"), { code: 7 })])
      assert.equal(fromSqlite(thrown, "p"), thrown);
  });

  it("in the system too", () => {
    const failing = (thrown: unknown) => () =>
      fromSystem("p", () => {
        throw thrown;
      });
    for (const code of ["ENOSPC", "EDQUOT"])
      assert.throws(failing(Object.assign(new Error("why"), { code })), withCode("exhausted", /no space for p.*\(why\)/));
    assert.throws(
      failing(Object.assign(new Error("why"), { code: "EACCES" })),
      withCode("unavailable", /p can't be used \(why\)/),
    );
    const own = new RegulusError("conflict", "x");
    for (const thrown of [own, new TypeError("bug")]) assert.throws(failing(thrown), thrown);
    assert.equal(
      fromSystem("p", () => 7),
      7,
    );
  });
});
