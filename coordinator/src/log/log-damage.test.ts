/** What a log makes of damage: faults at random, and each of those that once went unnoticed by itself. */
import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { RegulusError } from "@regulus/proto";
import Database from "libsql";
import { judgeLog, logFileNames, logName, searchFacts, tryDamage } from "../simulation/log-damage.js";
import { logStages } from "../simulation/log-stages.js";
import { type Ending, writeLog } from "../simulation/write-log.js";
import { neighbourNames } from "./log-files.js";
import { seal } from "./seal.js";
import { SqliteFile } from "./sqlite-file.js";
import { openSqliteLog } from "./sqlite-log.js";

const root = mkdtempSync(join(tmpdir(), "regulus-damage-"));
after(() => rmSync(root, { recursive: true, force: true }));

describe("a damaged log", () => {
  for (const ending of ["killed", "closed"] as const satisfies readonly Ending[]) {
    // `npm run bench -- damage` does 10,000.
    it(`is noticed or does no harm, whatever single fault it has after its process was ${ending}`, async () => {
      const whole = writeLog(join(root, ending), ending);
      const trials = [];
      for (let seed = 0; seed < 24; seed += 1) trials.push(await tryDamage(whole, join(root, "scratch"), seed));
      assert.deepEqual(
        trials.filter(({ verdict, detail }) => verdict === "silent" || detail.startsWith("without its name")),
        [],
      );
      assert.ok(trials.filter(({ verdict }) => verdict === "detected").length >= 10, "the faults do reach the log");
    });
  }

  it("is noticed whichever of its files are deleted, but for the marker, which is made again", async () => {
    const whole = writeLog(join(root, "deleted"), "killed");
    for (let kept = 1; kept < 2 ** logFileNames.length - 1; kept += 1) {
      const lost = logFileNames.filter((_, index) => (kept & (1 << index)) === 0);
      const folder = copyOf(whole.folder, lost);
      if (lost.join() === "has-log") {
        await (await openSqliteLog({ path: join(folder, logName) })).close();
        assert.ok(existsSync(join(folder, "has-log")));
      } else {
        await assert.rejects(openSqliteLog({ path: join(folder, logName) }), withCode("data-loss"), `without ${lost.join(", ")}`);
      }
      rmSync(folder, { recursive: true });
    }
  });

  it("is noticed or does no harm whichever of its files are deleted, at every stage of its life", async () => {
    const verdicts = new Set<string>();
    for await (const { name, folder, acknowledged } of logStages(join(root, "stages"))) {
      const present = logFileNames.filter((file) => existsSync(join(folder, file)));
      // An empty folder is a new one; one that holds what only a coordinator leaves is not.
      for (const neighbour of [undefined, ...neighbourNames]) {
        const every = Array.from({ length: 2 ** present.length }, (_, kept) => kept);
        // With a neighbour: no file of the log, and each alone.
        for (const kept of neighbour === undefined ? every.slice(1) : [0, ...present.map((_, index) => 1 << index)]) {
          const lost = present.filter((_, index) => (kept & (1 << index)) === 0);
          const copy = copyOf(folder, lost);
          if (neighbour !== undefined) leave(copy, neighbour);
          const { verdict, detail } = await judgeLog(copy, acknowledged);
          const what = `${name}, without ${lost.join(", ") || "nothing"}, beside ${neighbour ?? "nothing"}`;
          assert.notEqual(verdict, "silent", `${what}: ${detail}`);
          assert.doesNotMatch(detail, /^without its name/, what);
          if (lost.length === 0) assert.equal(verdict, "harmless", `${what}: ${detail}`);
          if (kept === 0) assert.equal(verdict, "detected", what);
          // A coordinator that refused refuses again.
          if (verdict === "detected")
            await assert.rejects(openSqliteLog({ path: join(copy, logName) }), withCode("data-loss"), what);
          verdicts.add(verdict);
          rmSync(copy, { recursive: true });
        }
      }
    }
    assert.deepEqual(verdicts, new Set(["harmless", "detected"]));
  });

  it("names each search that ends too early, with its last position and how much was acknowledged", async () => {
    const whole = writeLog(join(root, "named"), "killed");
    const folder = copyOf(whole.folder, []);
    const wal = readFileSync(join(folder, `${logName}-wal`));
    // Early: what follows may be left from before the file was begun anew.
    const at = wal.length >> 4;
    wal[at] = (wal[at] ?? 0) ^ 1;
    writeFileSync(join(folder, `${logName}-wal`), wal);
    const saying = /search first ends at position \d+, but was acknowledged up to position 335; search second .* 667/;
    await assert.rejects(openSqliteLog({ path: join(folder, logName) }), saying);
    // The write-ahead log with the missing facts is kept, and the next start says the same.
    assert.deepEqual(readFileSync(join(folder, `${logName}-wal.kept`)), wal);
    await assert.rejects(openSqliteLog({ path: join(folder, logName) }), saying);
  });
});

describe("a row that is whole but another one than was written", () => {
  it("is noticed by a read that begins before it, wherever that is", async () => {
    const path = join(mkdtempSync(join(root, "row-")), logName);
    const log = await openSqliteLog({ path });
    await log.append([{ searchId: "first", expected: 0, facts: searchFacts("first", 1, 9) }]);
    await log.close();
    const database = new Database(path);
    const [row]: unknown[] = database.prepare("SELECT CAST(fact AS BLOB) FROM facts WHERE position = 6").raw(true).all().flat();
    assert.ok(row instanceof Uint8Array);
    // The same fact with its own checksum, after another chain.
    seal(row, 12_345);
    database.prepare("UPDATE facts SET fact = ? WHERE position = 6").run([row]);
    database.close();
    const damaged = await openSqliteLog({ path });
    const readAfter = async (position: number): Promise<void> => {
      for await (const facts of damaged.read("first", position)) assert.ok(facts.length > 0);
    };
    for (const position of [0, 1, 4]) await assert.rejects(readAfter(position), withCode("data-loss"), `after ${position}`);
    await damaged.close();
  });
});

describe("a folder", () => {
  it("with an empty folder for artifacts, as where that is a disk of its own, gets a new log", async () => {
    const folder = mkdtempSync(join(root, "mounted-"));
    mkdirSync(join(folder, "artifacts", "lost+found"), { recursive: true });
    const log = await openSqliteLog({ path: join(folder, logName) });
    assert.deepEqual(await log.searches(), []);
    await log.close();
  });
});

describe("a log's files", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(root, "log-"));
    path = join(folder, logName);
  });

  it("syncs each transaction before it is answered", () => {
    const file = new SqliteFile(path);
    file.begin(undefined);
    assert.equal(file.number("PRAGMA synchronous"), 2, "FULL");
    file.close();
  });

  it("are their owner's only, whatever the umask and whatever they were", async () => {
    const before = process.umask(0);
    try {
      const deep = join(folder, "deep", logName);
      const log = await openSqliteLog({ path: deep });
      await log.append([{ searchId: "a", expected: 0, facts: searchFacts("a", 1, 1) }]);
      assert.equal(modeOf(join(folder, "deep")), 0o700);
      for (const name of logFileNames) assert.equal(modeOf(join(folder, "deep", name)), 0o600, name);
      await log.close();
      for (const name of [logName, "log.heads"]) chmodSync(join(folder, "deep", name), 0o644);
      await (await openSqliteLog({ path: deep })).close();
      for (const name of [logName, "log.heads"]) assert.equal(modeOf(join(folder, "deep", name)), 0o600, name);
    } finally {
      process.umask(before);
    }
  });

  it("that are gone or replaced while it is open stop appends, and nothing is acknowledged", async () => {
    for (const lose of [
      () => renameSync(folder, `${folder}-moved`),
      () => rmSync(folder, { recursive: true }),
      () => rmSync(`${path}-wal`),
    ]) {
      const log = await openSqliteLog({ path });
      const position = (await log.searches()).length === 0 ? 0 : 1;
      if (position === 0) await log.append([{ searchId: "a", expected: 0, facts: searchFacts("a", 1, 1) }]);
      lose();
      const more = log.append([{ searchId: "a", expected: 1, facts: searchFacts("a", 2, 1) }]);
      await assert.rejects(more, (thrown) => withCode("unavailable")(thrown) && /is gone/.test(String(thrown)));
      await log.close();
      rmSync(folder, { recursive: true, force: true });
      rmSync(`${folder}-moved`, { recursive: true, force: true });
    }
  });

  it("shrink when searches are removed", async () => {
    const log = await openSqliteLog({ path });
    await log.append([{ searchId: "a", expected: 0, facts: searchFacts("a", 1, 40_000) }]);
    await log.append([{ searchId: "b", expected: 0, facts: searchFacts("b", 1, 10) }]);
    await log.remove("a");
    await log.close();
    assert.ok(statSync(path).size < 200_000, `${statSync(path).size} bytes are left of two million`);
  });

  it("of a version without checksums are refused and left as they are", async () => {
    const db = new Database(path);
    db.exec("CREATE TABLE searches (key INTEGER PRIMARY KEY); PRAGMA application_id = 1380404307; PRAGMA user_version = 1");
    db.close();
    const before = readFileSync(path);
    await assert.rejects(openSqliteLog({ path }), /version 1, which has no checksums; this coordinator reads version 2/);
    assert.deepEqual(readFileSync(path), before);
  });
});

/** Leaves in a folder what a coordinator makes there beside its log. */
function leave(folder: string, neighbour: (typeof neighbourNames)[number]): void {
  if (neighbour === "artifacts") mkdirSync(join(folder, neighbour, "incoming"), { recursive: true });
  else writeFileSync(join(folder, neighbour), "{}");
}

function copyOf(folder: string, without: readonly string[]): string {
  const copy = mkdtempSync(join(root, "copy-"));
  for (const name of logFileNames) {
    if (!without.includes(name) && existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name));
  }
  return copy;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

function withCode(expected: RegulusError["code"]) {
  return (thrown: unknown): boolean => thrown instanceof RegulusError && thrown.code === expected;
}
