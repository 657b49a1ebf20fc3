import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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
  const sha256 = await writeCheckpoint(path, header, new Uint8Array([1, 2, 3, 255]));
  assert.equal(sha256, createHash("sha256").update(readFileSync(path)).digest("hex"));
  const read = await readCheckpoint(path);
  assert.deepEqual(read.header, { ...header, entries: 1 });
  assert.deepEqual([...read.bytes], [1, 2, 3, 255]);
  assert.throws(() => checkProcedure(read.header, "self-tune"), /written by procedure fit, expected self-tune/);
});

test("bytes that are no checkpoint are refused as data loss, wherever they are cut", async () => {
  const path = join(folder, "cut");
  await writeCheckpoint(path, { step: 1, seconds: 0, procedure: "fit" }, new Uint8Array(8));
  const whole = readFileSync(path);
  for (let bytes = 0; bytes < whole.length; bytes += 5) {
    writeFileSync(path, whole.subarray(0, bytes));
    await assert.rejects(
      readCheckpoint(path),
      (error) => error instanceof RegulusError && error.code === "data-loss",
      `cut at ${bytes}`,
    );
  }
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(512)]));
  await assert.rejects(readCheckpoint(path), /no whole checkpoint/, "longer than its header tells");
  writeFileSync(path, "a text of somebody's");
  await assert.rejects(readCheckpoint(path), /no whole checkpoint/);
});

test("a checkpoint of the format before is still read", async () => {
  const json = Buffer.from(JSON.stringify({ step: 3, seconds: 2, procedure: "fit" }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const path = join(folder, "former");
  writeFileSync(path, Buffer.concat([Buffer.from("RGC1"), length, json, Buffer.from([7, 8])]));
  const { header, bytes } = await readCheckpoint(path);
  assert.deepEqual([header.step, ...bytes], [3, 7, 8]);
});
