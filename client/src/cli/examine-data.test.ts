/** What `regulus doctor` makes of the coordinator's report about a data folder, and of this machine. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lookAtData, lookAtPort, lookAtServer } from "./examine.js";
import { logFolderIn, readReport } from "./examine-data.js";

const whole = {
  searches: 1,
  facts: 2345,
  problems: [],
  damaged: [],
  artifacts: { stored: 2, bytes: 12_345, damaged: [], missing: [], damagedCount: 0, missingCount: 0 },
  open: [],
};

/** Lines of a doctor that end with this. */
async function read(last: object, ...before: readonly object[]) {
  async function* lines() {
    for (const line of [...before, last]) yield JSON.stringify(line);
  }
  const progress: string[] = [];
  const read = await readReport("/data", lines(), (words) => progress.push(words));
  const { findings, isLogDamaged, areArtifactsDamaged } = read;
  const isDamaged = isLogDamaged || areArtifactsDamaged;
  return {
    isDamaged,
    areArtifactsDamaged,
    progress,
    words: findings.map(({ name, ok, detail }) => `${ok === undefined ? "-" : ok ? "yes" : "no"} ${name}: ${detail}`),
  };
}

test("a whole folder is reported as whole, with counts and progress", async () => {
  const { words, isDamaged, progress } = await read(
    { report: whole },
    { progress: "10 of 20" },
    { other: 1 },
    { progress: "20 of 20" },
  );
  assert.deepEqual(words, [
    "yes log: /data: 1 search, 2,345 facts, all whole",
    "yes artifacts: 2 artifacts, 12,345 bytes, all whole",
    "yes file modes: only the owner reads and writes",
  ]);
  assert.deepEqual([isDamaged, progress], [false, ["10 of 20", "20 of 20"]]);
  assert.match((await read({ report: { ...whole, searches: 0, facts: 1 } })).words[0] ?? "", /0 searches, 1 fact, all/);
});

test("damage of the log, of artifacts and of both is damage; what was put aside by a repair is not, spoilt artifacts still are", async () => {
  const damaged = [{ searchId: "s1", good: 7, acknowledged: 9, problem: "a flipped bit" }];
  const missing = [{ searchId: "s1", trial: 4, sha256: "ab" }];
  const broken = await read({
    report: { ...whole, problems: ["the marker is gone"], damaged, open: ["log.sqlite", "artifacts"] },
  });
  assert.deepEqual(broken.words, [
    "no log: the marker is gone",
    "no search s1: good up to position 7 of 9: a flipped bit",
    "yes artifacts: 2 artifacts, 12,345 bytes, all whole",
    "no file modes: others may look into log.sqlite, artifacts; take that away: chmod -R go= DIR",
  ]);
  assert.equal(broken.isDamaged, true);
  for (const part of [{ problems: ["p"] }, { damaged }]) {
    assert.equal((await read({ report: { ...whole, ...part } })).isDamaged, true);
    const repaired = await read({ report: { ...whole, ...part, aside: "/data/damaged-1" } });
    assert.equal(repaired.isDamaged, false);
    assert.equal(
      repaired.words.at(-1),
      "yes repair: the log ends at the last good positions now; the old files are in /data/damaged-1",
    );
  }
  const used = { sha256: "cd", searchId: "s1", trial: 0 };
  const artifacts = { ...whole.artifacts, damaged: [{ sha256: "ef" }, used], missing, damagedCount: 4, missingCount: 1001 };
  const spoilt = await read({ report: { ...whole, artifacts, aside: "/data/damaged-1" } });
  assert.deepEqual(spoilt.words.slice(1, 5), [
    "no artifacts: artifacts/ef/ef has other bytes than were stored; no search refers to it",
    "no artifacts: artifacts/cd/cd has other bytes than were stored; trial 0 of search s1 refers to it",
    "no artifacts: artifacts/ab/ab is missing; trial 4 of search s1 refers to it",
    "no artifacts: and 1,002 more",
  ]);
  assert.equal(spoilt.areArtifactsDamaged, true);
  for (const one of [
    { damaged: [used], damagedCount: 1 },
    { missing, missingCount: 1 },
  ]) {
    const { words, isDamaged } = await read({ report: { ...whole, artifacts: { ...whole.artifacts, ...one } } });
    assert.deepEqual([isDamaged, words.length], [true, 3]);
  }
});

test("of many damaged searches and open files twenty are named, and the others counted", async () => {
  const damaged = Array.from({ length: 25 }, (_, index) => ({ searchId: `s${index}`, good: 1, acknowledged: 2, problem: "p" }));
  const open = Array.from({ length: 22 }, (_, index) => `f${index}`);
  const { words } = await read({ report: { ...whole, damaged, open } });
  assert.equal(words.filter((line) => line.startsWith("no search s")).length, 20);
  assert.ok(words.includes("no log: 5 more damaged searches"), words.join("\n"));
  assert.match(words.at(-1) ?? "", /f19 and 2 more; take/);
});

test("a log in use is not damage, other obstacles are reported, and a doctor without a report is a bug", async () => {
  const inUse = await read({ error: { code: "failed-precondition", message: "the log is in use by process 1" } });
  assert.deepEqual([inUse.isDamaged, inUse.words], [false, ["- log: not checked: the log is in use by process 1"]]);
  for (const error of [
    { code: "failed-precondition", message: "a newer version" },
    { code: "permission-denied", message: "in use by another user" },
  ])
    assert.deepEqual((await read({ error })).words, [`no log: not checked: ${error.message}`]);
  await assert.rejects(read({ progress: "10 of 20" }), { code: "internal" });
});

test("a log is found in a folder of regulus up before the folder itself, by any of its files", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-doctor-"));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.equal(logFolderIn(folder), undefined);
  for (const name of ["log.sqlite", "log.sqlite-wal", "log.heads", "has-log"]) {
    writeFileSync(join(folder, name), "");
    assert.equal(logFolderIn(folder), folder);
    rmSync(join(folder, name));
  }
  writeFileSync(join(folder, "has-log"), "");
  mkdirSync(join(folder, "coordinator"));
  writeFileSync(join(folder, "coordinator", "has-log"), "");
  assert.equal(logFolderIn(folder), join(folder, "coordinator"));
});

test("a port is free, ours or another's; a folder can be written, made or neither; a program is there or not", async (t) => {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
  const words = { ours: false, instead: "another" };
  const taken = await lookAtPort(port, words);
  assert.deepEqual([taken.ok, taken.detail], [false, "in use by another program; instead: another"]);
  assert.equal((await lookAtPort(port, { ...words, ours: true })).ok, true);
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await lookAtPort(port, words), { name: `port ${port}`, ok: true, detail: "free" });

  const folder = mkdtempSync(join(tmpdir(), "regulus-doctor-"));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.deepEqual(lookAtData(folder), { name: "data folder", ok: true, detail: `${folder} can be written` });
  assert.equal(lookAtData(join(folder, "a", "b")).detail, `${join(folder, "a", "b")} can be made`);
  const program = join(folder, "some-program");
  writeFileSync(program, "");
  chmodSync(program, 0o755);
  const before = process.env.PATH;
  process.env.PATH = `/nowhere:${folder}`;
  t.after(() => {
    process.env.PATH = before;
  });
  assert.deepEqual(lookAtServer(["some-program", "tests"]), { name: "some-program", ok: true, detail: program });
  assert.deepEqual(lookAtServer(["no-such-program", "tests"]), {
    name: "no-such-program",
    ok: false,
    detail: "not found; only for tests",
  });
});
