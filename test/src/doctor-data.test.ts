/** `regulus doctor --data DIR` as its user meets it: on a damaged folder it says what is damaged and up to where, and after a repair it is content. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { writeLog } from "@regulus/coordinator/simulation";
import { scratch } from "./cluster/index.js";

const command = join(dirname(fileURLToPath(import.meta.url)), "../../client/bin/regulus.js");

function doctor(...args: readonly string[]) {
  // No coordinator is to answer: port 1 is nobody's.
  const words = [command, "doctor", "--coordinator", "127.0.0.1:1", ...args];
  return spawnSync(process.execPath, words, { encoding: "utf8", env: { ...process.env, COLUMNS: "80" } });
}

/** The findings of `--json` by name. */
function findingsOf(stdout: string): Map<string, { readonly ok: boolean | null; readonly detail: string }> {
  const { findings }: { findings: readonly { name: string; ok: boolean | null; detail: string }[] } = JSON.parse(stdout);
  return new Map(findings.map(({ name, ok, detail }) => [name, { ok, detail }]));
}

test("a damaged fact and a spoilt artifact are named, exit code 7, until a repair; an artifact can't be repaired, and a log in use is not looked at", (t) => {
  const folder = scratch("doctor-data");
  t.after(() => folder.remove());
  // As `regulus up` lays it out.
  const coordinator = join(folder.path, "coordinator");
  writeLog(coordinator, "closed");
  // With --repair the machine is not looked at, which takes seconds.
  const whole = doctor("--data", folder.path, "--repair", "--json");
  assert.equal(findingsOf(whole.stdout).get("log")?.detail, `${coordinator}: 3 searches, 2,002 facts, all whole`);
  assert.deepEqual([whole.status, findingsOf(whole.stdout).has("repair")], [0, false]);

  const log = join(coordinator, "log.sqlite");
  const bytes = readFileSync(log);
  bytes.write("finding 799", bytes.lastIndexOf("finding 700"));
  writeFileSync(log, bytes);
  const words = doctor("--data", folder.path);
  assert.equal(words.status, 7, words.stderr);
  assert.match(words.stdout, /^no +search third +good up to position 699 of 1000: the checksum of fact 700 does not match$/m);
  assert.match(words.stdout, /^yes +artifacts /m);
  assert.match(words.stderr, new RegExp(`regulus doctor --data ${folder.path} --repair`));

  const repair = doctor("--data", coordinator, "--repair");
  assert.equal(repair.status, 0, repair.stderr);
  assert.match(repair.stdout, /^yes +repair +the log ends at the last good positions now; the old files are in .*damaged-1$/m);
  assert.ok(existsSync(join(coordinator, "damaged-1", "log.sqlite")));
  const healed = findingsOf(doctor("--data", folder.path, "--repair", "--json").stdout);
  assert.match(healed.get("log")?.detail ?? "", /3 searches, 1,701 facts, all whole/);

  const sum = "ab".repeat(32);
  mkdirSync(join(coordinator, "artifacts", "ab"), { recursive: true, mode: 0o700 });
  writeFileSync(join(coordinator, "artifacts", "ab", sum), "other bytes", { mode: 0o600 });
  const spoilt = doctor("--data", folder.path, "--repair");
  assert.equal(spoilt.status, 7);
  assert.match(
    spoilt.stdout,
    new RegExp(`^no +artifacts +artifacts/ab/${sum} has other bytes than were stored; no search refers to it$`, "m"),
  );
  assert.match(spoilt.stderr, /--repair can't mend them\. Put the files named above back from a backup\./);
  assert.doesNotMatch(spoilt.stderr, /give up the damaged facts|Nothing was changed/, "the log is whole");

  writeFileSync(join(coordinator, "log.pid"), String(process.pid));
  // A log in use is no damage.
  const used = doctor("--data", folder.path, "--repair", "--json");
  assert.notEqual(used.status, 7);
  const inUse = findingsOf(used.stdout).get("log");
  assert.equal(inUse?.ok, null, "neither good nor bad");
  assert.match(inUse?.detail ?? "", /not checked: .*in use by the coordinator with process id/);
});

test("a folder without a log is named, exit code 3", (t) => {
  const folder = scratch("doctor-no-log");
  t.after(() => folder.remove());
  const wrong = join(folder.path, "wrong");
  const { status, stdout } = doctor("--data", wrong, "--json");
  assert.deepEqual(findingsOf(stdout).get("log"), { ok: false, detail: `there is no log in ${wrong}` });
  assert.equal(status, 3);
});
