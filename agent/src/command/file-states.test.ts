import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileStates } from "./file-states.js";

const root = mkdtempSync(join(tmpdir(), "regulus-states-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("a file that a program replaces again and again is there at every look, whatever becomes of its temporary names", async (t) => {
  const folder = mkdtempSync(join(root, "replaced-"));
  writeFileSync(join(folder, "model"), "0");
  const save = `const fs = require("node:fs"); process.chdir(${JSON.stringify(folder)}); console.log("saves");
    for (let i = 0; ; i++) { const name = i % 2 ? "a.new" : "z.new"; fs.writeFileSync(name, String(i)); fs.renameSync(name, "model"); }`;
  const program = spawn(process.execPath, ["-e", save], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => program.kill("SIGKILL"));
  await once(program.stdout, "data");
  // By its times: a file system gives the number of a replaced file to the next one.
  const seen = new Set<number>();
  for (let look = 0; look < 3000 || seen.size < 100; look += 1) {
    const state = fileStates(folder).get("model");
    assert.ok(state, `look ${look} saw no model`);
    seen.add(state.modifiedMs);
  }
});
