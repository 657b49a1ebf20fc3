/** A frozen folder holds what it held, whatever the program does to the one that it saves in. */
import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
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
  const snapshot = await freezeFolder(from, join(root, "to"), { without: ".own" });
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
  assert.equal((await freezeFolder(bare, join(root, "bare-1"), { without: ".own" })).isEmpty, true);
  symlinkSync("nowhere", join(bare, "inner", "link"));
  assert.equal((await freezeFolder(bare, join(root, "bare-2"), { without: ".own" })).isEmpty, false);
});

test("copies keep what is written to afterwards, hard links among the files too, and what is written to meanwhile is torn", async () => {
  const source = join(root, "source");
  mkdirSync(source);
  for (const name of ["busy", "calm"]) writeFileSync(join(source, name), "old");
  linkSync(join(source, "calm"), join(source, "calm too"));
  let isBusy = false;
  const isCopied = (path: string) => {
    if (path === "busy" && isBusy) writeFileSync(join(source, "busy"), "new and longer");
    return true;
  };
  const snapshot = await freezeFolder(source, join(root, "copies"), { without: ".own", isCopied });
  assert.deepEqual(snapshot.torn, []);
  writeFileSync(join(source, "calm"), "new");
  assert.deepEqual(await changedFiles(snapshot), []);
  const copy = (name: string) => join(snapshot.directory, name);
  assert.equal(readFileSync(copy("calm too"), "utf8"), "old");
  assert.equal(statSync(copy("calm")).ino, statSync(copy("calm too")).ino);
  isBusy = true;
  const torn = await freezeFolder(source, join(root, "torn"), { without: ".own", isCopied });
  assert.deepEqual(
    torn.torn.map(({ path }) => path),
    ["busy"],
  );
  assert.deepEqual(withoutFiles(torn, torn.torn).paths, ["calm", "calm too"]);
});

test("what gets another name while it is looked at is left out, and a folder on another disk is copied", async () => {
  const busy = join(root, "busy");
  mkdirSync(join(busy, "c"), { recursive: true });
  for (const name of ["a", "b", join("c", "d")]) writeFileSync(join(busy, name), name);
  symlinkSync("a", join(busy, "e"));
  let entries = 0;
  const snapshot = await freezeFolder(busy, join(root, "busy-frozen"), {
    without: ".own",
    moved: () => {
      entries += 1;
      if (entries !== 1) return;
      renameSync(join(busy, "b"), join(busy, "b2"));
      rmSync(join(busy, "c"), { recursive: true });
      rmSync(join(busy, "e"));
    },
  });
  assert.deepEqual([snapshot.paths, snapshot.files.map(({ path }) => path), entries], [["a", "c"], ["a"], 4]);
  // Where the machine has one; else links are made here too.
  const disk = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const away = mkdtempSync(join(disk, "regulus-frozen-"));
  const copied = await freezeFolder(busy, join(away, "to"), { without: ".own" });
  assert.deepEqual(copied.paths, ["a", "b2"]);
  assert.equal(readFileSync(join(copied.directory, "b2"), "utf8"), "b");
  rmSync(away, { recursive: true });
});
