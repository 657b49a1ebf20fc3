/** Programs whose reader goes away (`... | head`) end at once and without a complaint. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Programs, and the code that they end with. A reproduction that could not tell its verdict is no success. */
const programs = [
  [["client/bin/regulus.js", "--help"], 0],
  [["bench/dist/reproduce/main.js", "stn", "--claim", "STN-1"], 141],
] as const;

for (const [args, expected] of programs) {
  test(`${args.join(" ")} into a closed pipe`, async () => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let words = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      words += text;
    });
    const [code] = await once(child, "close");
    assert.deepEqual({ code, complaint: /EPIPE|Error/.test(words) }, { code: expected, complaint: false }, words);
  });
}
