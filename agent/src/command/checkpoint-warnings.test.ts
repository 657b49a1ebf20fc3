/** What a program is warned of: checkpoints that are not what it said, and what can't be packed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { restoreDirectory } from "./directory-archive.js";
import { begin, contentOf, save, soon, stall } from "./testing/packed-program.js";

test("a log that is open for appending costs no checkpoint, and one that is written all the time is named", async () => {
  for (const flags of ["a", "w"]) {
    const { folder, checkpoints, saved, found } = begin(60_000);
    save(folder, 1, "beside");
    const log = openSync(join(folder, "log.txt"), flags);
    for (let step = 1; step <= 6; step += 1) {
      writeSync(log, "a line\n");
      checkpoints.announce(step);
      stall();
      writeSync(log, "another\n");
      await checkpoints.settled();
    }
    await checkpoints.finish();
    closeSync(log);
    assert.deepEqual(
      saved().map(({ step }) => step),
      flags === "a" ? [6] : [],
    );
    if (flags === "a") assert.deepEqual(found(), []);
    else
      assert.match(
        found().join(),
        /its file "log.txt" was written to.*6 announced checkpoints are not stored.*"log.txt" the last/,
      );
  }
});

test("a step that is saved again with other contents, as a program's last word, is stored as it was last", async () => {
  const { directory, folder, checkpoints, saved, isStored, found } = begin(0);
  save(folder, 1, "beside");
  checkpoints.announce(7);
  while (saved().length === 0) await soon();
  isStored();
  save(folder, 2, "beside");
  checkpoints.announce(7);
  await checkpoints.finish();
  const path = saved().at(-1)?.path ?? "";
  await restoreDirectory(path, join(directory, "restored"));
  assert.equal(readFileSync(join(directory, "restored", "weights"), "utf8"), contentOf(2));
  assert.deepEqual([saved().map(({ step }) => step), found()], [[7, 7], []]);
});

test("an empty folder, a step that goes back and a checkpoint that was not loaded are reported once each", async () => {
  const { folder, checkpoints, saved, found } = begin(0, 50);
  mkdirSync(join(folder, "nothing in it"));
  checkpoints.announce(60);
  await checkpoints.finish();
  save(folder, 60, "beside");
  checkpoints.announce(20);
  checkpoints.measured(50);
  checkpoints.measured(10);
  checkpoints.measured(20);
  await checkpoints.finish();
  assert.deepEqual(saved(), []);
  const [empty, back, anew, ...more] = found();
  assert.match(empty ?? "", /step 60 is empty and was not stored; expected files in REGULUS_CHECKPOINT_DIR \(\//);
  assert.match(back ?? "", /step 20 after one at step 60: not stored/);
  assert.match(anew ?? "", /continue from step 50, but measured step 10: it did not load/);
  assert.deepEqual(more, []);
});

test("files that were begun after the announcement are no part of it, however they change meanwhile", async () => {
  const { directory, folder, checkpoints, saved, found } = begin(60_000);
  save(folder, 1, "beside");
  checkpoints.announce(1);
  // Clocks of files are some milliseconds coarse.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
  writeFileSync(join(folder, "later"), "begun");
  await checkpoints.settled();
  writeFileSync(join(folder, "later"), "and gone on with");
  await checkpoints.finish();
  assert.equal(saved().length, 1, found().join());
  await restoreDirectory(saved()[0]?.path ?? "", join(directory, "restored"));
  assert.deepEqual(readdirSync(join(directory, "restored")).sort(), ["optimizer", "weights"]);
  assert.deepEqual(found(), []);
});

test("announcements whose files are written to meanwhile give a warning at the fifth in a row, or at the end", async () => {
  const lose = async (run: ReturnType<typeof begin>, step: number) => {
    save(run.folder, step, "in place");
    run.whenMoved.call = () => appendFileSync(join(run.folder, "weights"), "x");
    run.checkpoints.announce(step);
    await run.checkpoints.settled();
    run.whenMoved.call = () => undefined;
  };
  const mended = begin(0);
  for (let step = 1; step <= 4; step += 1) await lose(mended, step);
  save(mended.folder, 5, "beside");
  mended.checkpoints.announce(5);
  await mended.checkpoints.settled();
  mended.isStored();
  await lose(mended, 6);
  assert.deepEqual([mended.saved().map(({ step }) => step), mended.found()], [[5], []]);
  await mended.checkpoints.finish();
  assert.match(
    mended.found().join(),
    /^the checkpoint at step 6 is not stored: its file "weights" was written to, or still open/,
  );
  const worse = begin(0);
  for (let step = 1; step <= 7; step += 1) {
    await lose(worse, step);
    assert.equal(worse.found().length, step < 5 ? 0 : 1);
  }
  assert.match(worse.found().join(), /step 5 is not stored/);
  assert.deepEqual(readdirSync(worse.directory), ["checkpoint"], "nothing is left of them");
});

test("a pipe in the folder is left out with one warning, and the rest is stored", async () => {
  const { folder, checkpoints, saved, found } = begin(0);
  save(folder, 1, "beside");
  execFileSync("mkfifo", [join(folder, "pipe")]);
  for (const step of [1, 2]) {
    checkpoints.announce(step);
    await checkpoints.settled();
  }
  await checkpoints.finish();
  assert.equal(saved()[0]?.step, 1);
  assert.equal(found().length, 1);
  assert.match(found().join(), /"pipe" is none of these and was left out at step 1/);
});

test("there are sixteen warnings at most, each once", async () => {
  const { folder, checkpoints, found } = begin(0);
  for (let step = 1; step <= 20; step += 1) {
    const name = join(folder, `${step}\n${"x".repeat(150)}`);
    writeFileSync(name, "");
    checkpoints.announce(step);
    await checkpoints.settled();
    checkpoints.announce(step);
    await checkpoints.settled();
    rmSync(name);
  }
  assert.deepEqual([found().length, new Set(found()).size], [16, 16]);
});

test("a link or a file in the folder's place, and what can't be packed, is a warning and leaves nothing behind", async () => {
  const cases: readonly [(folder: string) => void, RegExp][] = [
    [(folder) => symlinkSync("/etc", folder), /could not be packed: saw a symbolic link at \/.*, expected the folder/],
    [(folder) => writeFileSync(folder, "x"), /could not be packed: saw a file at/],
    [() => undefined, /could not be packed: .*no such file/],
    [
      (folder) => mkdirSync(join(folder, ...Array<string>(300).fill("d")), { recursive: true }),
      /saw a folder deeper than 256 levels/,
    ],
    [(folder) => saveAt(folder, Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])])), /saw a name that is not UTF-8/],
    [
      (folder) => truncateSync(saveAt(folder, join(folder, "huge")), 2 ** 33),
      /it holds 8589934592 bytes and more, expected at most 4294967296/,
    ],
  ];
  for (const [make, expected] of cases) {
    const { directory, folder, checkpoints, saved, found } = begin(0);
    rmSync(folder, { recursive: true });
    make(folder);
    checkpoints.announce(1);
    await checkpoints.finish();
    assert.deepEqual(saved(), []);
    assert.equal(found().length, 1, found().join("; "));
    assert.match(found()[0] ?? "", expected);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name !== "checkpoint"),
      [],
    );
  }
});

function saveAt<Path extends string | Buffer>(folder: string, path: Path): Path {
  mkdirSync(folder);
  writeFileSync(path, contentOf(1));
  return path;
}
