import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { describeStore } from "./conformance.js";
import { openDirectoryStore } from "./directory-store.js";
import { MemoryFolder, openMemoryStore } from "./memory-store.js";

describeStore("memory", async () => {
  const folder = new MemoryFolder();
  return { open: async () => openMemoryStore(folder), clear: async () => {} };
});

describeStore("directory", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-artifacts-"));
  return { open: () => openDirectoryStore(join(folder, "deep")), clear: async () => rmSync(folder, { recursive: true }) };
});

it("a directory store notices damaged files, and clears away what a crash left half written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-artifacts-"));
  const bytes = Buffer.from("whole and sound");
  const ref = { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length, kind: "test" };
  const store = await openDirectoryStore(folder);
  await store.put(
    ref,
    (async function* () {
      yield bytes;
    })(),
  );
  truncateSync(join(folder, ref.sha256.slice(0, 2), ref.sha256), 5);
  const reading = async () => {
    for await (const _ of store.get(ref.sha256));
  };
  await assert.rejects(reading(), (thrown) => thrown instanceof RegulusError && thrown.code === "data-loss");
  writeFileSync(join(folder, "incoming", "half"), "half");
  await openDirectoryStore(folder);
  assert.deepEqual(readdirSync(join(folder, "incoming")), []);
  rmSync(folder, { recursive: true });
});
