/** Results that can't be written: a full disk behind standard output, a folder where a file was meant, TLS files of every wrong kind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestAuthority } from "@regulus/transport/testing";
import { regulus as regulusProcess } from "../testing/run-command.js";
import { regulus } from "../testing/run-inside.js";
import { partialOf } from "./output-file.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-unwritable-"));
after(() => rmSync(folder, { recursive: true }));

test("a standard output that takes nothing ends the command with one line and code 4", async () => {
  const program = fileURLToPath(new URL("../../bin/regulus.js", import.meta.url));
  const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", openSync("/dev/full", "w"), "pipe"] });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  assert.equal(await new Promise((resolve) => child.once("close", resolve)), 4);
  assert.match(words, /^regulus: standard output can't be written: ENOSPC[^\n]*\n$/);
});

test("a folder, or a place in no folder, is refused as the name of a file before anything is written", () => {
  assert.throws(() => partialOf(folder), /is a folder; expected the name of a file/);
  assert.equal(partialOf(join(folder, "new.csv")), join(folder, "new.csv.partial"));
  assert.throws(() => partialOf(join(folder, "missing", "new.csv")), /--output .*new\.csv: there is no folder .*missing$/);
  assert.equal(partialOf("new.csv"), "new.csv.partial");
  assert.deepEqual(readdirSync(folder), []);
});

test("wrong TLS files are named with what they hold, before anything is sent", async () => {
  const authority = new TestAuthority(join(folder, "authority"));
  const own = authority.issue("own");
  const old = authority.issue("old", { fromMs: Date.now() - 7_200_000, toMs: Date.now() - 3_600_000 });
  const at = ["ls", "-c", "127.0.0.1:1", "--tls-ca", authority.ca];
  const ls = (...flags: string[]) => regulus([...at, ...flags]);
  const encrypted = await ls("--tls-cert", own.cert, "--tls-key", authority.encrypted(own.key));
  assert.equal(encrypted.code, 5);
  assert.match(encrypted.stderr, /--tls-key .* is encrypted; expected one without a passphrase/);
  assert.match((await ls("--tls-cert", own.cert, "--tls-key", old.key)).stderr, /is not the key of the certificate/);
  assert.match((await ls("--tls-cert", own.cert)).stderr, /go together; missing: --tls-key/);
  const expired = await regulusProcess([...at, "--tls-cert", old.cert, "--tls-key", old.key]);
  assert.match(expired.stderr, /warning: --tls-cert .* expired at/);
  assert.doesNotMatch(expired.stderr, /DEP0|Deprecation/);
});
