/** What a failed start keeps of the write-ahead log: always, under whatever names are taken, also on a disk with no room. */
import assert from "node:assert/strict";
import fs, { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { logFileNames, logName } from "../simulation/log-damage.js";
import { factsOf } from "./conformance.js";
import { keptOf } from "./kept-write-ahead.js";
import { LogFiles } from "./log-files.js";
import { openSqliteLog } from "./sqlite-log.js";

const root = mkdtempSync(join(tmpdir(), "regulus-kept-"));
after(() => rmSync(root, { recursive: true, force: true }));
const withCode = (code: RegulusError["code"]) => (thrown: unknown) => thrown instanceof RegulusError && thrown.code === code;

/** A log whose process was killed, all of it in the write-ahead log. */
async function killed(): Promise<{ readonly files: LogFiles; readonly writeAhead: Buffer }> {
  const [alive, folder] = [mkdtempSync(join(root, "alive-")), mkdtempSync(join(root, "killed-"))];
  const log = await openSqliteLog({ path: join(alive, logName) });
  await log.append([{ searchId: "a", expected: 0, facts: factsOf("a", 1, 50) }]);
  for (const name of logFileNames) if (existsSync(join(alive, name))) copyFileSync(join(alive, name), join(folder, name));
  await log.close();
  const files = new LogFiles(join(folder, logName));
  return { files, writeAhead: readFileSync(files.writeAhead) };
}

/** Flips one bit in the middle. */
function flip({ writeAhead }: LogFiles): Buffer {
  const bytes = readFileSync(writeAhead);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(writeAhead, bytes);
  return bytes;
}

test("a start that finds damage keeps the write-ahead log, however many copies of earlier ones there are", async () => {
  const { files } = await killed();
  for (const ending of [".kept", ".kept-2"]) writeFileSync(files.writeAhead + ending, `stale${ending}`);
  const bytes = flip(files);
  await assert.rejects(openSqliteLog({ path: files.log }), withCode("data-loss"));
  assert.deepEqual(
    keptOf(files.writeAhead).map((path) => readFileSync(path)),
    [Buffer.from("stale.kept"), Buffer.from("stale.kept-2"), bytes],
  );
});

test("a start that fails before anything is dropped leaves no copy, and one that succeeds leaves older copies alone", async () => {
  const { files, writeAhead } = await killed();
  writeFileSync(`${files.writeAhead}.kept`, "stale");
  renameSync(files.witness, `${files.witness}-away`);
  await assert.rejects(openSqliteLog({ path: files.log }), withCode("data-loss"));
  const whole = () =>
    [files.writeAhead, ...keptOf(files.writeAhead)].filter((path) => existsSync(path) && readFileSync(path).equals(writeAhead));
  assert.equal(whole().length, 1, "the write-ahead log or a copy of it, not both");
  renameSync(`${files.witness}-away`, files.witness);
  const before = keptOf(files.writeAhead);
  await (await openSqliteLog({ path: files.log })).close();
  assert.deepEqual(keptOf(files.writeAhead), before);
});

test("a start on a disk with no room for a copy keeps the write-ahead log all the same, or opens nothing", async () => {
  const real = { copyFileSync: fs.copyFileSync, linkSync: fs.linkSync };
  const full = (): never => {
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const without = async (calls: Partial<typeof real>, work: () => Promise<void>): Promise<void> => {
    Object.assign(fs, calls);
    syncBuiltinESMExports();
    try {
      await work();
    } finally {
      Object.assign(fs, real);
      syncBuiltinESMExports();
    }
  };
  const linked = await killed();
  const bytes = flip(linked.files);
  await without({ copyFileSync: full }, () => assert.rejects(openSqliteLog({ path: linked.files.log }), withCode("data-loss")));
  assert.deepEqual(
    keptOf(linked.files.writeAhead).map((path) => readFileSync(path)),
    [bytes],
  );
  const refused = await killed();
  await without({ copyFileSync: full, linkSync: full }, () =>
    assert.rejects(openSqliteLog({ path: refused.files.log }), withCode("exhausted")),
  );
  assert.deepEqual(readFileSync(refused.files.writeAhead), refused.writeAhead);
  await (await openSqliteLog({ path: refused.files.log })).close();
});
