/** The agent's folder: one agent at a time, one id for good, nothing left of attempts before, and nobody else's to read. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, relative } from "node:path";
import { after, test } from "node:test";
import { openDataFolder } from "./data-folder.js";

const root = mkdtempSync(join(tmpdir(), "regulus-data-"));
after(() => rmSync(root, { recursive: true }));
const modeOf = (path: string) => statSync(path).mode & 0o777;

test("an id is made once and kept, unless one is given; attempts of before are gone", () => {
  const folder = join(root, "kept");
  const first = openDataFolder(relative(process.cwd(), folder), undefined);
  assert.match(first.agentId, /^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8}$/);
  assert.ok(isAbsolute(first.scratch));
  writeFileSync(join(first.scratch, "left"), "");
  first.release();
  assert.equal(existsSync(join(folder, "lock")), false);
  const second = openDataFolder(folder, undefined);
  assert.equal(second.agentId, first.agentId);
  assert.deepEqual(readdirSync(second.scratch), []);
  second.release();
  assert.equal(openDataFolder(folder, "mine").agentId, "mine");
  assert.equal(readFileSync(join(folder, "agent-id"), "utf8"), `${first.agentId}\n`);
});

test("a folder that a living agent holds is refused with its process; one of a process that is gone is taken", async () => {
  const folder = join(root, "held");
  openDataFolder(folder, "a").release();
  const other = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "inherit"] });
  await new Promise((resolve) => other.once("spawn", resolve));
  writeFileSync(join(folder, "lock"), String(other.pid));
  assert.throws(() => openDataFolder(folder, "a"), new RegExp(`in use by the agent with process id ${other.pid}: .*--data`));
  other.stdin.end();
  await new Promise((resolve) => other.once("close", resolve));
  openDataFolder(folder, "a");
  assert.match(readFileSync(join(folder, "lock"), "utf8"), new RegExp(`^${process.pid}( \\d+)?\n$`));
  // After a restart of the machine the number may be anybody's.
  const sleeps = spawn("sleep", ["300"], { stdio: "ignore" });
  await new Promise((resolve) => sleeps.once("spawn", resolve));
  writeFileSync(join(folder, "lock"), String(sleeps.pid));
  openDataFolder(folder, "a");
  sleeps.kill("SIGKILL");
});

test("what is in it is its owner's only, also where it was others' to read before; a folder of other things is left as it is", () => {
  const own = join(root, "own");
  openDataFolder(own, undefined);
  assert.deepEqual([modeOf(own), modeOf(join(own, "attempts"))], [0o700, 0o700]);
  assert.deepEqual([modeOf(join(own, "lock")), modeOf(join(own, "agent-id"))], [0o600, 0o600]);
  for (const mode of [0o750, 0o705]) {
    chmodSync(own, mode);
    openDataFolder(own, undefined);
    assert.equal(modeOf(own), 0o700);
  }
  const others = join(root, "others");
  mkdirSync(others);
  chmodSync(others, 0o755);
  openDataFolder(others, "a");
  assert.equal(modeOf(others), 0o755);
});
