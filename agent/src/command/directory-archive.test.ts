import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { archiveDirectory, restoreDirectory } from "./directory-archive.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-archive-"));
after(() => rmSync(folder, { recursive: true }));
const header = { step: 5, seconds: 2, procedure: "command" };

function fill(name: string): string {
  const directory = join(folder, name);
  mkdirSync(join(directory, "inner"), { recursive: true });
  writeFileSync(join(directory, "weights.bin"), Buffer.alloc(100_000, 7));
  writeFileSync(join(directory, "inner", "état.json"), "{}");
  return directory;
}

test("a folder comes back, and equal contents give equal bytes whatever their times", async () => {
  const directory = fill("source");
  await archiveDirectory(directory, join(folder, "a.tar"), header);
  utimesSync(join(directory, "weights.bin"), 1, 1);
  await archiveDirectory(directory, join(folder, "b.tar"), header);
  assert.ok(readFileSync(join(folder, "a.tar")).equals(readFileSync(join(folder, "b.tar"))));
  const restored = join(folder, "restored");
  assert.deepEqual(await restoreDirectory(join(folder, "a.tar"), restored), header);
  assert.ok(readFileSync(join(restored, "weights.bin")).equals(Buffer.alloc(100_000, 7)));
  assert.equal(readFileSync(join(restored, "inner", "état.json"), "utf8"), "{}");
});

test("an archive that is cut short is data loss, not half a folder", async () => {
  await archiveDirectory(fill("cut"), join(folder, "cut.tar"), header);
  const whole = readFileSync(join(folder, "cut.tar"));
  writeFileSync(join(folder, "cut.tar"), whole.subarray(0, 50_000));
  await assert.rejects(
    restoreDirectory(join(folder, "cut.tar"), join(folder, "half")),
    (error) => error instanceof RegulusError && error.code === "data-loss",
  );
});
