/** The committed WebAssembly is what its sources compile to, and leaves tfjs's own data alone. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { plainModule } from "./compiled-module.js";

test("the compiled modules are current", () => {
  const script = fileURLToPath(new URL("../../../scripts/build-wasm.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

test("tables of the module lie below tfjs's data", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new WebAssembly.Instance(new WebAssembly.Module(plainModule()), { env: { memory } });
  const written = new Uint8Array(memory.buffer).findLastIndex((byte) => byte !== 0);
  // tfjs-backend-wasm 4.22 has its first string at 1025.
  assert.ok(written > 0 && written < 1024, `the last byte that is written is ${written}`);
});
