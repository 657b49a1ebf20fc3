/** The doctor of data folders as a process: what it says of whole and damaged ones, that it changes nothing, and what a repair gives up. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Fact } from "@regulus/proto";
import { openSqliteLog } from "../log/sqlite-log.js";
import { logFileNames, logName, searchFacts } from "../simulation/log-damage.js";
import { logStages } from "../simulation/log-stages.js";
import { writeLog } from "../simulation/write-log.js";
import type { DataReport } from "./data-report.js";
import { referencesOf } from "./inspect-artifacts.js";
import { InspectedLog } from "./inspected-log.js";

const root = mkdtempSync(join(tmpdir(), "regulus-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));
const program = fileURLToPath(new URL("./main.js", import.meta.url));

test("a whole folder is found whole, and no byte of it is changed", () => {
  const { folder } = writeLog(join(root, "whole"), "killed");
  const before = filesOf(folder);
  const report = examine(folder);
  assert.equal(report.facts, 2002);
  assert.equal(report.searches, 3);
  assert.deepEqual([report.problems, report.damaged, report.open], [[], [], []]);
  assert.deepEqual(filesOf(folder), before);
});

test("a damaged fact is named with the last good position before it, and a repair keeps every good one", async () => {
  const { folder, acknowledged } = writeLog(join(root, "damaged"), "closed");
  const path = join(folder, logName);
  const bytes = readFileSync(path);
  // Another message of the same length: SQLite sees nothing wrong.
  const at = bytes.lastIndexOf("finding 700");
  bytes.write("finding 799", at);
  writeFileSync(path, bytes);
  const before = filesOf(folder);
  const { damaged, problems } = examine(folder);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    damaged.map(({ searchId, good, acknowledged: of, problem }) => [searchId, good, of, problem]),
    [["third", 699, 1000, "the checksum of fact 700 does not match"]],
  );
  assert.deepEqual(filesOf(folder), before);

  const { aside = "" } = examine(folder, "--repair");
  for (const name of [logName, "log.heads", "has-log"]) assert.equal(filesOf(aside)[name], before[name]);
  assert.deepEqual(examine(folder).damaged, []);
  const log = await openSqliteLog({ path });
  for (const [searchId, facts] of acknowledged) {
    const kept: Fact[] = [];
    for await (const piece of log.read(searchId, 0)) kept.push(...piece);
    assert.deepEqual(kept, facts.slice(0, searchId === "third" ? 699 : facts.length));
  }
  await log.close();
});

test("whatever files are missing, the doctor answers, and a repair makes a log that opens", async () => {
  const { folder } = writeLog(join(root, "parts"), "killed");
  // Bits of the files in order: the database alone, all but it, all but the write-ahead log, the witness, the marker, and the marker alone.
  for (const kept of [1, 14, 13, 11, 7, 8]) {
    const part = join(root, `part-${kept}`);
    mkdirSync(part, { mode: 0o700 });
    for (const [index, name] of logFileNames.entries()) {
      if ((kept & (1 << index)) !== 0) writeFileSync(join(part, name), readFileSync(join(folder, name)), { mode: 0o600 });
    }
    const isWhole = logFileNames.every((name, index) => (kept & (1 << index)) !== 0 || name === "has-log");
    const { damaged, problems } = examine(part);
    assert.equal(damaged.length + problems.length === 0, isWhole, `with files ${kept}`);
    examine(part, "--repair");
    await (await openSqliteLog({ path: join(part, logName) })).close();
  }
});

test("whichever files are deleted at whatever stage of a log's life, the doctor finds damage where a coordinator does", async () => {
  for await (const { name, folder } of logStages(join(root, "stages"))) {
    const present = logFileNames.filter((file) => existsSync(join(folder, file)));
    for (let kept = 1; kept < 2 ** present.length; kept += 1) {
      const part = mkdtempSync(join(root, "stage-"));
      const left = present.filter((_, index) => (kept & (1 << index)) !== 0);
      for (const file of left) copyFileSync(join(folder, file), join(part, file));
      const path = join(part, logName);
      const inspected = new InspectedLog(path);
      const isDamaged = inspected.inspect(() => undefined).some(({ problem }) => problem !== "") || inspected.problems.length > 0;
      inspected.close();
      const isRefused = await openSqliteLog({ path }).then(
        async (log) => {
          await log.close();
          return false;
        },
        () => true,
      );
      assert.equal(isDamaged, isRefused, `${name}, with ${left.join(", ")}`);
      rmSync(part, { recursive: true });
    }
  }
});

test("a log in use is not looked at", () => {
  const { folder } = writeLog(join(root, "used"), "closed");
  writeFileSync(join(folder, "log.pid"), String(process.pid));
  const answer = spawnSync(process.execPath, [program, "--data", folder], { encoding: "utf8" });
  assert.match(answer.stdout, /in use by the coordinator with process id/);
  assert.equal(answer.status, 1);
});

test("artifacts with other bytes, missing ones and open files are named", async () => {
  const { folder } = writeLog(join(root, "artifacts"), "closed");
  const sum = createHash("sha256").update("right").digest("hex");
  const missing = "ab".repeat(32);
  mkdirSync(join(folder, "artifacts", sum.slice(0, 2)), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "artifacts", sum.slice(0, 2), sum), "wrong");
  chmodSync(join(folder, "log.heads"), 0o644);
  const log = await openSqliteLog({ path: join(folder, logName) });
  await log.append([{ searchId: "with", expected: 0, facts: factsWith(missing) }]);
  await log.close();
  chmodSync(join(folder, "log.heads"), 0o644);
  const report = examine(folder);
  assert.deepEqual(report.artifacts.damaged, [{ sha256: sum }]);
  assert.deepEqual(report.artifacts.missing, [{ searchId: "with", trial: 0, sha256: missing }]);
  assert.deepEqual(report.open, [join(folder, "log.heads")]);
  // Nor does a folder without any artifact pass for one that needs none.
  writeFileSync(join(folder, "artifacts", "incoming"), "what a doctor leaves alone");
  examine(folder);
  assert.ok(existsSync(join(folder, "artifacts", "incoming")));
  rmSync(join(folder, "artifacts"), { recursive: true });
  const { stored, missing: lost, missingCount } = examine(folder).artifacts;
  assert.deepEqual([stored, lost, missingCount], [0, report.artifacts.missing, 1]);
  assert.ok(!existsSync(join(folder, "artifacts")));
});

test("a search refers to the newest checkpoints of a trial, not to those that gave way", () => {
  const [old, before, newest] = ["11", "22", "33"].map((pair) => pair.repeat(32));
  const sums = [...referencesOf(factsWith(String(old), String(before), String(newest)))].map(({ ref }) => ref.sha256);
  assert.deepEqual(sums.sort(), [before, newest]);
});

/** A search whose trial saved these. */
function factsWith(...sums: readonly string[]): Fact[] {
  const kinds = [
    { $case: "trialProposed" as const, value: { trial: 0, work: { untilStep: 10 } } },
    { $case: "attemptStarted" as const, value: { trial: 0, attempt: 1, agentId: "a" } },
    ...sums.map((sha256, index) => ({
      $case: "trialCheckpointed" as const,
      value: { trial: 0, attempt: 1, step: index + 1, checkpoint: { sha256, size: 5, kind: "checkpoint" } },
    })),
  ];
  const later = kinds.map((kind, index) => Fact.fromPartial({ searchId: "with", position: index + 2, timeMs: 2000, kind }));
  return [...searchFacts("with", 1, 1), ...later];
}

function examine(folder: string, ...flags: readonly string[]): DataReport {
  const { stdout, stderr } = spawnSync(process.execPath, [program, "--data", folder, ...flags], { encoding: "utf8" });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  assert.match(line, /^\{"report":/, `${stdout}${stderr}`);
  return JSON.parse(line).report;
}

function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ name }) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}
