import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { archiveDirectory, restoreDirectory } from "./directory-archive.js";
import { type FolderSnapshot, freezeFolder } from "./folder-snapshot.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-archive-"));
after(() => rmSync(folder, { recursive: true }));
const header = { step: 5, seconds: 2, procedure: "command" };

/** A folder with a file in another one, frozen. */
async function fill(name: string): Promise<FolderSnapshot> {
  const directory = join(folder, name);
  mkdirSync(join(directory, "inner"), { recursive: true });
  mkdirSync(join(directory, ".regulus"));
  writeFileSync(join(directory, "weights.bin"), Buffer.alloc(100_000, 7));
  writeFileSync(join(directory, "inner", "état.json"), "{}");
  writeFileSync(join(directory, "@odd name"), "@");
  writeFileSync(join(directory, ".regulus", "checkpoint.json"), "not a header");
  symlinkSync("weights.bin", join(directory, "newest"));
  return await freezeFolder(directory, `${directory}-frozen`, ".regulus");
}

test("a folder comes back, and equal contents give equal bytes whatever their times", async () => {
  const source = await fill("source");
  const first = await archiveDirectory(source, join(folder, "a.tar"), header);
  utimesSync(join(source.directory, "weights.bin"), 1, 1);
  assert.deepEqual(await archiveDirectory(source, join(folder, "b.tar"), header), first);
  const later = await archiveDirectory(source, join(folder, "c.tar"), { ...header, step: 6 });
  assert.deepEqual([later.contents === first.contents, later.sha256 === first.sha256], [true, false]);
  const restored = join(folder, "restored");
  assert.deepEqual(await restoreDirectory(join(folder, "a.tar"), restored), { ...header, entries: 5 });
  assert.deepEqual(readdirSync(restored).sort(), ["@odd name", "inner", "newest", "weights.bin"], "and nothing of ours");
  assert.ok(readFileSync(join(restored, "newest")).equals(Buffer.alloc(100_000, 7)));
  assert.equal(readFileSync(join(restored, "inner", "état.json"), "utf8"), "{}");
});

test("an archive is a plain tar that any tar unpacks", async () => {
  await archiveDirectory(await fill("plain"), join(folder, "plain.tar"), header);
  const names = execFileSync("tar", ["-tf", join(folder, "plain.tar")], { encoding: "utf8" }).split("\n");
  assert.equal(names[0], ".regulus/checkpoint.json");
  assert.ok(names.includes("./weights.bin"), names.join(" "));
});

test("an archive that holds more than its header tells, or less, is data loss", async () => {
  await archiveDirectory(await fill("count"), join(folder, "count.tar"), header);
  const whole = readFileSync(join(folder, "count.tar"));
  for (const count of ["4", "6"]) {
    const changed = Buffer.from(whole);
    changed.write(count, whole.indexOf('"entries":5') + '"entries":'.length);
    writeFileSync(join(folder, "count.tar"), changed);
    const restoring = restoreDirectory(join(folder, "count.tar"), join(folder, `count-${count}`));
    await assert.rejects(restoring, { code: "data-loss", message: new RegExp(`saw 5 entries, expected ${count}`) });
  }
});

test("an archive that is cut anywhere is data loss, not half a folder", async () => {
  await archiveDirectory(await fill("cut"), join(folder, "cut.tar"), header);
  const whole = readFileSync(join(folder, "cut.tar"));
  // Without its end, a run of zeros, it still holds everything.
  for (let bytes = 0; bytes < whole.length - 1024; bytes += 4096 - 512) {
    writeFileSync(join(folder, "cut.tar"), whole.subarray(0, bytes));
    await assert.rejects(
      restoreDirectory(join(folder, "cut.tar"), join(folder, `half-${bytes}`)),
      (error) => error instanceof RegulusError && error.code === "data-loss",
      `cut at ${bytes} of ${whole.length}`,
    );
  }
});
