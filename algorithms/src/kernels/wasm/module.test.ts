/** The committed WebAssembly is what its sources compile to. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("the compiled modules are current", () => {
  const script = fileURLToPath(new URL("../../../scripts/build-wasm.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
