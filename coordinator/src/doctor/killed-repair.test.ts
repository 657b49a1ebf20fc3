/** A repair that is killed: wherever that is, the next one keeps the facts that an undisturbed one keeps. */
import assert from "node:assert/strict";
import fs, { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { LogFiles } from "../log/log-files.js";
import { openSqliteLog } from "../log/sqlite-log.js";
import { logFileNames, logName, searchFacts } from "../simulation/log-damage.js";
import { writeLog } from "../simulation/write-log.js";
import { examine } from "./examine.js";

const root = mkdtempSync(join(tmpdir(), "regulus-killed-repair-"));
after(() => rmSync(root, { recursive: true, force: true }));
const repair = (folder: string) => examine(folder, true, () => undefined);

/** Calls that change what is on the disk, or make it durable. */
const steps = [
  "renameSync",
  "fsyncSync",
  "fdatasyncSync",
  "mkdirSync",
  "mkdtempSync",
  "writeFileSync",
  "writeSync",
  "rmSync",
  "copyFileSync",
] as const;

/** Does work as a process that is killed at a step does: neither that nor anything later happens. Answers whether it came to that. */
async function killedAt(step: number, work: () => Promise<unknown>): Promise<boolean> {
  const real = Object.fromEntries(steps.map((name) => [name, fs[name]]));
  let taken = 0;
  for (const [name, call] of Object.entries(real)) {
    Object.assign(fs, {
      [name]: (...args: unknown[]): unknown => {
        taken += 1;
        if (taken >= step) throw new Error("killed");
        return Reflect.apply(call, fs, args);
      },
    });
  }
  syncBuiltinESMExports();
  try {
    await work().catch((thrown: unknown) => assert.match(String(thrown), /killed/));
    return taken >= step;
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
}

test("a repair that is killed at any step and run again keeps every fact that an undisturbed one keeps", async () => {
  const { folder, bytes, acknowledged } = await damagedLog();
  const copied = (): string => {
    const part = mkdtempSync(join(root, "part-"));
    for (const name of logFileNames) copyFileSync(join(folder, name), join(part, name));
    return part;
  };
  const undisturbed = copied();
  const { aside: _aside, folder: _folder, open: _open, ...expected } = await repair(undisturbed);
  const kept = await factsIn(undisturbed);
  const count = [...kept.values()].reduce((sum, some) => sum + some, 0);
  assert.ok(count > 0 && count < acknowledged, `${count} of ${acknowledged} facts are kept`);

  let [cutShort, step] = [0, 1];
  for (let part = copied(); await killedAt(step, () => repair(part)); part = copied()) {
    const { repair: journal, log } = new LogFiles(join(part, logName));
    const isCutShort = existsSync(journal);
    if (isCutShort) {
      cutShort += 1;
      await assert.rejects(openSqliteLog({ path: log }), isRefusal, `step ${step}`);
      await assert.rejects(
        examine(part, false, () => undefined),
        isRefusal,
        `step ${step}`,
      );
    }
    const isOver = !isCutShort && readdirSync(part).some((name) => name.startsWith("damaged-"));
    const { aside, folder: _of, open: _to, ...found } = await repair(part);
    // Searches that are given up are named, unless the killed repair was done but for its last words.
    if (!isOver) assert.deepEqual(found, expected, `step ${step}`);
    assert.equal(aside, isOver ? undefined : join(part, "damaged-1"), `step ${step}`);
    assert.deepEqual(await factsIn(part), kept, `step ${step}`);
    const left = readdirSync(part).filter((name) => name.startsWith("doctor-") || name === "log.repair" || name === "damaged-2");
    assert.deepEqual(left, [], `step ${step}`);
    assert.deepEqual(readFileSync(join(part, "damaged-1", `${logName}-wal`)), bytes, `step ${step}`);
    rmSync(part, { recursive: true });
    step += 1;
  }
  assert.ok(cutShort >= 10, `${cutShort} of ${step} steps were between the journal's beginning and its end`);
});

test("a journal that no repair wrote moves nothing", async () => {
  const { folder } = writeLog(join(root, "foreign"), "closed");
  const outside = join(root, "outside");
  writeFileSync(outside, "stays");
  const names = { scratch: "doctor-abcdef", aside: "damaged-1", old: ["../outside"], fresh: [], report: {} };
  for (const text of ["", "{", "[]", "{}", JSON.stringify(names), JSON.stringify({ ...names, old: [], aside: ".." })]) {
    writeFileSync(join(folder, "log.repair"), text);
    await assert.rejects(repair(folder), /is not as a repair wrote it/);
    assert.equal(readFileSync(outside, "utf8"), "stays");
  }
});

/** A log whose process was killed, with facts in the database and in the write-ahead log, and one bit wrong in the latter. */
async function damagedLog(): Promise<{ readonly folder: string; readonly bytes: Uint8Array; readonly acknowledged: number }> {
  const [alive, folder] = [mkdtempSync(join(root, "alive-")), mkdtempSync(join(root, "damaged-"))];
  const facts = 10;
  for (const life of [0, 1]) {
    const log = await openSqliteLog({ path: join(alive, logName) });
    for (const searchId of ["first", "second", "third"]) {
      await log.append([{ searchId, expected: life * facts, facts: searchFacts(searchId, life * facts + 1, facts) }]);
    }
    for (const name of logFileNames) if (existsSync(join(alive, name))) copyFileSync(join(alive, name), join(folder, name));
    await log.close();
  }
  const path = join(folder, `${logName}-wal`);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return { folder, bytes, acknowledged: 6 * facts };
}

function isRefusal(thrown: unknown): boolean {
  const isIt = thrown instanceof RegulusError && thrown.code === "failed-precondition";
  return isIt && /was cut short; run it again.*regulus doctor --data \S+ --repair/.test(thrown.message);
}

/** How many facts there are of each search; those are whole, or they could not be read. */
async function factsIn(folder: string): Promise<ReadonlyMap<string, number>> {
  const log = await openSqliteLog({ path: join(folder, logName) });
  try {
    const counts = new Map<string, number>();
    for (const searchId of await log.searches()) {
      for await (const piece of log.read(searchId, 0)) counts.set(searchId, (counts.get(searchId) ?? 0) + piece.length);
    }
    return counts;
  } finally {
    await log.close();
  }
}
