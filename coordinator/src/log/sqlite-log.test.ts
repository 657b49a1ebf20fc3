import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { logVersion, RegulusError } from "@regulus/proto";
import Database from "libsql";
import { describeLog, factsOf } from "./conformance.js";
import { openSqliteLog } from "./sqlite-log.js";

describeLog("sqlite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-log-"));
  return {
    open: () => openSqliteLog({ path: join(folder, "deep", "log.db") }),
    clear: async () => rmSync(folder, { recursive: true }),
  };
});

describe("sqlite log file", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "regulus-log-"));
    path = join(folder, "log.db");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("refuses a log from a newer version and leaves every byte of it", async () => {
    await (await openSqliteLog({ path })).close();
    const db = new Database(path);
    db.exec(`PRAGMA user_version = ${logVersion + 1}`);
    db.close();
    const before = readFileSync(path);
    await assert.rejects(openSqliteLog({ path }), (thrown) => {
      assert.ok(thrown instanceof RegulusError);
      assert.equal(thrown.code, "failed-precondition");
      assert.match(thrown.message, new RegExp(`version ${logVersion + 1}.*knows up to ${logVersion}`));
      return true;
    });
    assert.deepEqual(readFileSync(path), before);
  });

  it("refuses files that are no logs", async () => {
    writeFileSync(path, "this is a text file, not a database, and long enough to be looked at as one".repeat(20));
    await assert.rejects(openSqliteLog({ path }), withCode("data-loss"));
    rmSync(path);
    const db = new Database(path);
    db.exec("CREATE TABLE notes (text TEXT)");
    db.close();
    await assert.rejects(openSqliteLog({ path }), withCode("data-loss"));
    await assert.rejects(openSqliteLog({ path: join(path, "below a file", "log.db") }), withCode("unavailable"));
  });

  it("answers a full disk with exhausted, keeps what was there, and continues when there is room", async () => {
    let log = await openSqliteLog({ path, bytesMax: 128 * 1024 });
    let facts = 0;
    const fill = async () => {
      for (; facts < 100_000; facts += 100) {
        await log.append([{ searchId: "a", expected: facts, facts: factsOf("a", facts + 1, 100) }]);
      }
    };
    await assert.rejects(fill(), withCode("exhausted"));
    assert.ok(facts > 0 && facts < 100_000);
    await assert.rejects(log.append([{ searchId: "b", expected: 0, facts: factsOf("b", 1, 5000) }]), withCode("exhausted"));
    assert.deepEqual(await log.searches(), ["a"]);
    await log.close();
    log = await openSqliteLog({ path });
    let read = 0;
    for await (const piece of log.read("a", 0)) read += piece.length;
    assert.equal(read, facts);
    await log.append([{ searchId: "a", expected: facts, facts: factsOf("a", facts + 1, 100) }]);
    await log.append([{ searchId: "b", expected: 0, facts: factsOf("b", 1, 5000) }]);
    await log.close();
  });

  it("refuses a second process while the first one lives", async () => {
    const log = await openSqliteLog({ path });
    const script = `
      import { openSqliteLog } from ${JSON.stringify(new URL("./sqlite-log.js", import.meta.url).href)};
      try { await openSqliteLog({ path: ${JSON.stringify(path)} }); console.log("opened"); }
      catch (thrown) { console.log(thrown.code); }`;
    const run = () => spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).stdout.trim();
    assert.equal(run(), "failed-precondition");
    await log.close();
    assert.equal(run(), "opened");
  });

  it("holds every fact whose append was answered when its process is killed", async () => {
    const script = `
      import { openSqliteLog } from ${JSON.stringify(new URL("./sqlite-log.js", import.meta.url).href)};
      import { factsOf } from ${JSON.stringify(new URL("./conformance.js", import.meta.url).href)};
      const log = await openSqliteLog({ path: ${JSON.stringify(path)} });
      for (let at = 0; at < 300; at += 3) await log.append([{ searchId: "a", expected: at, facts: factsOf("a", at + 1, 3) }]);
      process.kill(process.pid, "SIGKILL");`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
    assert.equal(signal, "SIGKILL");
    // A copy of the file with its write-ahead log is as good as the file: what a backup of a crashed machine holds.
    copyFileSync(path, join(folder, "copy.db"));
    copyFileSync(`${path}-wal`, join(folder, "copy.db-wal"));
    copyFileSync(join(folder, "log.heads"), join(folder, "copy.heads"));
    for (const file of [path, join(folder, "copy.db")]) {
      const log = await openSqliteLog({ path: file });
      const positions: number[] = [];
      for await (const piece of log.read("a", 0)) positions.push(...piece.map((fact) => fact.position));
      assert.deepEqual(
        positions,
        Array.from({ length: 300 }, (_, index) => index + 1),
      );
      await log.close();
    }
  });

  it("finishes a removal that a crash cut short", async () => {
    let log = await openSqliteLog({ path });
    await log.append([{ searchId: "a", expected: 0, facts: factsOf("a", 1, 50) }]);
    await log.append([{ searchId: "b", expected: 0, facts: factsOf("b", 1, 50) }]);
    await log.close();
    let db = new Database(path);
    db.exec("CREATE TABLE rest AS SELECT * FROM facts WHERE search = 1");
    db.close();
    copyFileSync(path, join(folder, "rest.db"));
    db = new Database(path);
    db.exec("DROP TABLE rest");
    db.close();
    log = await openSqliteLog({ path });
    await log.remove("a");
    await log.close();
    db = new Database(path);
    db.exec(`ATTACH '${join(folder, "rest.db")}' AS other; INSERT INTO facts SELECT * FROM other.rest`);
    db.close();
    log = await openSqliteLog({ path });
    await log.close();
    const look = new Database(path);
    assert.deepEqual(look.prepare("SELECT count(*) AS rows, count(DISTINCT search) AS searches FROM facts").raw(true).all(), [
      [50, 1],
    ]);
    look.close();
  });
});

function withCode(expected: RegulusError["code"]) {
  return (thrown: unknown) => thrown instanceof RegulusError && thrown.code === expected;
}
