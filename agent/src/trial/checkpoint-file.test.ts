import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { checkProcedure, readCheckpoint, writeCheckpoint } from "./checkpoint-file.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-checkpoint-"));
after(() => rmSync(folder, { recursive: true }));

test("a checkpoint comes back as it was written", async () => {
  const path = join(folder, "whole");
  const header = { step: 40, seconds: 1.25, procedure: "fit" };
  await writeCheckpoint(path, header, new Uint8Array([1, 2, 3, 255]));
  const read = await readCheckpoint(path);
  assert.deepEqual(read.header, header);
  assert.deepEqual([...read.bytes], [1, 2, 3, 255]);
  assert.throws(() => checkProcedure(read.header, "self-tune"), /written by procedure fit, expected self-tune/);
});

test("bytes that are no checkpoint are refused as data loss, wherever they are cut", async () => {
  const path = join(folder, "cut");
  await writeCheckpoint(path, { step: 1, seconds: 0, procedure: "fit" }, new Uint8Array(8));
  const whole = readFileSync(path);
  for (let bytes = 0; bytes < whole.length - 8; bytes += 5) {
    writeFileSync(path, whole.subarray(0, bytes));
    await assert.rejects(
      readCheckpoint(path),
      (error) => error instanceof RegulusError && error.code === "data-loss",
      `cut at ${bytes}`,
    );
  }
  writeFileSync(path, "a text of somebody's");
  await assert.rejects(readCheckpoint(path), /no whole checkpoint/);
});
