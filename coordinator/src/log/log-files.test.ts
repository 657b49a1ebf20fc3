/** The files of a log: whose they are, what tells a lost one, and what a coordinator that ended leaves behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import Database from "libsql";
import { factsOf } from "./conformance.js";
import { keptOf } from "./kept-write-ahead.js";
import { LogFiles } from "./log-files.js";
import { openSqliteLog } from "./sqlite-log.js";
import { readWitness } from "./witness.js";

const root = mkdtempSync(join(tmpdir(), "regulus-files-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
let files: LogFiles;
beforeEach(() => {
  folder = mkdtempSync(join(root, "log-"));
  files = new LogFiles(join(folder, "log.sqlite"));
});

const withCode =
  (code: RegulusError["code"], words = /./) =>
  (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.code === code && words.test(thrown.message);
const open = () => openSqliteLog({ path: files.log });
const appended = (searchId: string, from: number, count: number) => [
  { searchId, expected: from, facts: factsOf(searchId, from + 1, count) },
];

test("a log that a living coordinator has open is in use, and one whose process ended or is no coordinator is free", async (t) => {
  files.assertFree();
  const held = async (program: string, args: readonly string[]) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
    t.after(() => child.kill("SIGKILL"));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    writeFileSync(files.holder, `${child.pid}\n`);
    return {
      pid: child.pid,
      end: async () => {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
      },
    };
  };
  const node = await held(process.execPath, ["-e", "console.log(1); setInterval(() => undefined, 1e6)"]);
  assert.throws(
    () => files.assertFree(),
    withCode("failed-precondition", new RegExp(`process id ${node.pid}; stop that one first`)),
  );
  await node.end();
  files.assertFree();
  // Another process that was given the number of one that was killed.
  const later = await held(process.execPath, ["-e", "console.log(1); setInterval(() => undefined, 1e6)"]);
  writeFileSync(files.holder, `${later.pid} 1\n`);
  if (existsSync("/proc/self/stat")) files.assertFree();
  await later.end();
  // No exec: in the midst of one a process has no command line, as one that can't be looked at.
  const shell = await held("sh", ["-c", "echo 1; while sleep 0.1; do :; done"]);
  files.assertFree();
  await shell.end();
  for (const text of ["", "-1\n", "0\n", "no number", `${process.pid}\n`]) {
    writeFileSync(files.holder, text);
    files.assertFree();
  }
});

test("a log is free where its process was killed and nobody has asked how it ended", async (t) => {
  if (!existsSync("/proc/self/stat")) return;
  // The shell gives its place to a program that never waits for its children.
  const child = 'node -e "setInterval(() => undefined, 1e6)" & echo $!; exec sleep 1000';
  const parent = spawn("sh", ["-c", child], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => parent.kill("SIGKILL"));
  const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
  writeFileSync(files.holder, `${pid}\n`);
  const stateOf = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
  process.kill(pid, "SIGKILL");
  while (stateOf() !== "Z") await new Promise((resolve) => setImmediate(resolve));
  files.assertFree();
  parent.kill("SIGKILL");
});

test("an open log says whose it is, to its owner alone, and no longer once it is closed", async () => {
  const log = await open();
  assert.match(readFileSync(files.holder, "utf8"), new RegExp(`^${process.pid}( \\d+)?\n$`));
  assert.equal(statSync(files.holder).mode & 0o777, 0o600);
  await log.close();
  await log.close();
  assert.ok(!existsSync(files.holder));
  assert.deepEqual(readdirSync(folder).sort(), ["has-log", "log.heads", "log.sqlite"]);
});

test("a start that succeeds keeps no copy of the write-ahead log, and one that fails leaves nothing locked", async () => {
  const log = await open();
  await log.append(appended("a", 0, 20));
  const copy = mkdtempSync(join(root, "copy-"));
  const killed = new LogFiles(join(copy, "log.sqlite"));
  for (const name of readdirSync(folder)) writeFileSync(join(copy, name), readFileSync(join(folder, name)));
  await log.close();
  rmSync(killed.holder);
  assert.ok(statSync(killed.writeAhead).size > 0);
  const again = await openSqliteLog({ path: killed.log });
  assert.deepEqual(keptOf(killed.writeAhead), []);
  await again.close();
  const heads = readFileSync(killed.witness);
  writeFileSync(killed.witness, Buffer.from("nothing that anybody wrote, and long enough"));
  await assert.rejects(openSqliteLog({ path: killed.log }), withCode("data-loss"));
  writeFileSync(killed.witness, heads);
  await (await openSqliteLog({ path: killed.log })).close();
});

test("an empty file alone is a log that was never begun", async () => {
  writeFileSync(files.log, "");
  const log = await open();
  assert.deepEqual(await log.searches(), []);
  await log.close();
});

test("the marker says with a message what is there, and is written once", async () => {
  await (await open()).close();
  assert.match(readFileSync(files.marker, "utf8"), /^There is a log of Regulus in this folder: log\.sqlite\. /);
  writeFileSync(files.marker, "touched");
  await (await open()).close();
  assert.equal(readFileSync(files.marker, "utf8"), "touched");
});

test("a folder that was no log's keeps its rights, and a log's own is closed to others", async () => {
  chmodSync(folder, 0o755);
  await (await open()).close();
  assert.equal(statSync(folder).mode & 0o777, 0o755);
  await (await open()).close();
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test("files that are another one's while the log is open stop appends, by name", async () => {
  const log = await open();
  await log.append(appended("a", 0, 1));
  const bytes = readFileSync(files.log);
  rmSync(files.log);
  writeFileSync(`${files.log}-other`, bytes);
  renameSync(`${files.log}-other`, files.log);
  await assert.rejects(
    log.append(appended("a", 1, 1)),
    withCode("unavailable", /log\.sqlite (was replaced|is gone) while the coordinator runs/),
  );
  await assert.rejects(log.remove("a"), withCode("unavailable"));
  await log.close();
});

test("a witness that is gone or another one while the log is open stops appends, by name, until it is back", async () => {
  const log = await open();
  await log.append(appended("a", 0, 1));
  renameSync(files.witness, `${files.witness}-away`);
  await assert.rejects(log.append(appended("a", 1, 1)), withCode("unavailable", /log\.heads is gone while the coordinator runs/));
  await assert.rejects(log.remove("a"), withCode("unavailable"));
  writeFileSync(files.witness, readFileSync(`${files.witness}-away`));
  await assert.rejects(log.append(appended("a", 1, 1)), withCode("unavailable", /log\.heads was replaced while/));
  renameSync(`${files.witness}-away`, files.witness);
  await log.append(appended("a", 1, 1));
  await log.close();
  assert.equal(readWitness(files.witness)?.searches.get(1)?.position, 2);
});

test("a witness that is cut or zeroed beside a whole log is told of, and rewritten", async () => {
  const log = await open();
  for (const searchId of ["a", "b"]) await log.append(appended(searchId, 0, 1));
  await log.close();
  const told = async (): Promise<readonly string[]> => {
    const words: string[] = [];
    await (await openSqliteLog({ path: files.log, onWarning: (warning) => words.push(warning) })).close();
    return words;
  };
  assert.deepEqual(await told(), []);
  const whole = readFileSync(files.witness);
  const { end = 0 } = readWitness(files.witness) ?? {};
  const zeroed = Buffer.from(whole).fill(0, 16);
  for (const bytes of [whole.subarray(0, 16), whole.subarray(0, end - 3), whole.subarray(0, end), zeroed]) {
    writeFileSync(files.witness, bytes);
    const [words = "", ...more] = await told();
    assert.match(words, /log\.heads was cut or overwritten; every fact in .*log\.sqlite is whole/);
    assert.deepEqual(more, []);
    assert.deepEqual(await told(), []);
    assert.equal(readWitness(files.witness)?.searches.size, 2);
  }
});

test("what tells of a lost database is named, and an empty one is called empty", () => {
  const lost = (hasWitnessed: boolean): string => {
    try {
      files.assertNotLost(hasWitnessed);
      return "";
    } catch (thrown) {
      assert.ok(withCode("data-loss")(thrown));
      return thrown instanceof Error ? thrown.message : "";
    }
  };
  assert.equal(lost(false), "");
  assert.match(lost(true), /log\.sqlite is missing, but there is .*log\.heads/);
  for (const path of [files.writeAhead, files.marker, files.holder, `${files.writeAhead}.kept`, `${files.writeAhead}.kept-2`]) {
    writeFileSync(path, "");
    assert.ok(lost(false).endsWith(`is missing, but there is ${path}`), path);
    rmSync(path);
  }
  mkdirSync(join(folder, "artifacts"));
  assert.equal(lost(false), "");
  writeFileSync(files.log, "");
  writeFileSync(files.marker, "x");
  assert.match(lost(false), /log\.sqlite is empty, but there is .*has-log/);
  writeFileSync(files.log, "x");
  assert.equal(lost(true), "");
});

test("a database without its witness is damage, whatever else is there", () => {
  const witnessed = (isEmpty: boolean, keyMax?: number) => () =>
    files.assertWitnessed(isEmpty, keyMax === undefined ? undefined : { searches: new Map(), keyMax, end: 0 });
  assert.throws(witnessed(true), withCode("data-loss", /log\.heads is missing$/));
  writeFileSync(files.log, "x");
  assert.throws(witnessed(true), withCode("data-loss", /log\.heads is missing, but there is .*log\.sqlite$/));
  writeFileSync(files.witness, "x");
  witnessed(true)();
  witnessed(true, 0)();
  witnessed(false, 3)();
  assert.throws(witnessed(true, 3), withCode("data-loss", /log\.sqlite is empty, but .*log\.heads is not/));
});

test("a search never gets the key of one that was removed, also over a restart", async () => {
  const keys = (): unknown => {
    const db = new Database(files.log);
    try {
      return db.prepare("SELECT key, id FROM searches ORDER BY key").raw(true).all();
    } finally {
      db.close();
    }
  };
  let log = await open();
  await log.append([...appended("a", 0, 1), ...appended("b", 0, 1)]);
  await log.append(appended("c", 0, 1));
  await log.remove("c");
  await log.close();
  log = await open();
  await log.append(appended("d", 0, 1));
  await log.remove("d");
  await log.append([...appended("c", 0, 2), ...appended("e", 0, 1)]);
  await log.close();
  assert.deepEqual(keys(), [
    [1, "a"],
    [2, "b"],
    [5, "c"],
    [6, "e"],
  ]);
});

test("the witness is told of what an append moved, and of no more", async () => {
  const log = await open();
  await log.append([...appended("a", 0, 1), ...appended("b", 0, 1)]);
  const ends: number[] = [];
  for (let position = 1; position < 5; position += 1) {
    await log.append(appended("a", position, 1));
    ends.push(readWitness(files.witness)?.end ?? 0);
  }
  // A head of a search that is known, and the record's own head.
  assert.deepEqual(
    ends.slice(1).map((end, index) => end - (ends[index] ?? 0)),
    [30, 30, 30],
  );
  await log.close();
});

test("a row that stands under the key of a removed search and is missed in its own is damage", async () => {
  const log = await open();
  await log.append([...appended("a", 0, 3), ...appended("b", 0, 3)]);
  await log.remove("b");
  await log.close();
  const change = (text: string): void => {
    const db = new Database(files.log);
    db.exec(text);
    db.close();
  };
  change("UPDATE facts SET search = 2 WHERE search = 1 AND position = 2");
  await assert.rejects(open(), withCode("data-loss", /a row of search a stands under another search's key 2/));
});

test("a write that finds the search elsewhere than where it left it is damage, and nothing of it is kept", async () => {
  const log = await open();
  await log.append(appended("a", 0, 3));
  await log.append(appended("b", 0, 1));
  await assert.rejects(log.append([...appended("b", 1, 1), ...appended("a", 2, 1)]), withCode("conflict"));
  await log.append([...appended("b", 1, 1), ...appended("a", 3, 1)]);
  const positions: number[] = [];
  for await (const piece of log.read("b", 0)) positions.push(...piece.map(({ position }) => position));
  assert.deepEqual(positions, [1, 2]);
  await log.close();
});
