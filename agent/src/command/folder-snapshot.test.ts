/** A frozen folder holds what it held, whatever the program does to the one that it saves in. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { changedFiles, freezeFolder, removeSnapshot, withoutFiles } from "./folder-snapshot.js";

const root = mkdtempSync(join(tmpdir(), "regulus-frozen-"));
after(() => rmSync(root, { recursive: true }));
const from = join(root, "from");
mkdirSync(join(from, "deep", "er"), { recursive: true });
mkdirSync(join(from, ".own"));
for (const name of ["b", "a", join("deep", "er", "c"), join("deep", ".own"), join(".own", "x")])
  writeFileSync(join(from, name), "old");

test("files that are replaced stay as they were; files that are written to are named, and can be left out", async () => {
  symlinkSync("a", join(from, "link"));
  const snapshot = await freezeFolder(from, join(root, "to"), ".own");
  assert.deepEqual(snapshot.paths, ["a", "b", "deep", "deep/.own", "deep/er", "deep/er/c", "link"]);
  assert.deepEqual(await changedFiles(snapshot), []);
  writeFileSync(join(from, "new"), "new and longer");
  renameSync(join(from, "new"), join(from, "b"));
  rmSync(join(from, "deep", "er", "c"));
  assert.deepEqual(await changedFiles(snapshot), []);
  assert.equal(readFileSync(join(snapshot.directory, "b"), "utf8"), "old");
  writeFileSync(join(from, "a"), "new");
  const changed = await changedFiles(snapshot);
  assert.deepEqual(
    changed.map(({ path }) => path),
    ["a"],
  );
  const rest = withoutFiles(snapshot, changed);
  assert.deepEqual([rest.paths, rest.isEmpty], [["b", "deep", "deep/.own", "deep/er", "deep/er/c", "link"], false]);
  assert.deepEqual(await changedFiles(rest), []);
  await removeSnapshot(snapshot);
  assert.deepEqual(readdirSync(root), ["from"]);
  assert.ok(readdirSync(from).includes("a"), "the program's own files stay");
});

test("folders alone are nothing to keep, one link is something", async () => {
  const bare = join(root, "bare");
  mkdirSync(join(bare, "inner"), { recursive: true });
  mkdirSync(join(bare, ".own"));
  writeFileSync(join(bare, ".own", "x"), "");
  assert.equal((await freezeFolder(bare, join(root, "bare-1"), ".own")).isEmpty, true);
  symlinkSync("nowhere", join(bare, "inner", "link"));
  assert.equal((await freezeFolder(bare, join(root, "bare-2"), ".own")).isEmpty, false);
});

test("what gets another name while it is looked at is left out, and a folder on another disk is copied", async () => {
  const busy = join(root, "busy");
  mkdirSync(join(busy, "c"), { recursive: true });
  for (const name of ["a", "b", join("c", "d")]) writeFileSync(join(busy, name), name);
  symlinkSync("a", join(busy, "e"));
  let entries = 0;
  const snapshot = await freezeFolder(busy, join(root, "busy-frozen"), ".own", () => {
    entries += 1;
    if (entries !== 1) return;
    renameSync(join(busy, "b"), join(busy, "b2"));
    rmSync(join(busy, "c"), { recursive: true });
    rmSync(join(busy, "e"));
  });
  assert.deepEqual([snapshot.paths, snapshot.files.map(({ path }) => path), entries], [["a", "c"], ["a"], 4]);
  // Where the machine has one; else links are made here too.
  const disk = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const away = mkdtempSync(join(disk, "regulus-frozen-"));
  const copied = await freezeFolder(busy, join(away, "to"), ".own");
  assert.deepEqual(copied.paths, ["a", "b2"]);
  assert.equal(readFileSync(join(copied.directory, "b2"), "utf8"), "b");
  rmSync(away, { recursive: true });
});
