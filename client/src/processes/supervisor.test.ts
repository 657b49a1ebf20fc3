/** A child that dies is started again; one that dies again and again is given up with its last words; logs stay within their bound. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { startChild } from "./child.js";
import { LogFile } from "./log-file.js";
import { supervise } from "./supervisor.js";

test("a killed child runs again, and a stop is not taken for a death", async (t) => {
  const main = program(t, `console.log(JSON.stringify({ ready: "x", pid: process.pid })); setInterval(() => {}, 1000);`);
  const events: string[] = [];
  const pids: number[] = [];
  let again = () => {};
  const restarted = new Promise<void>((resolve) => {
    again = resolve;
  });
  const kept = await supervise({
    name: "x",
    start: async () => {
      const child = await startChild({ main, name: "x", flags: [] });
      pids.push(Number(child.ready.pid));
      if (pids.length === 2) again();
      return child;
    },
    onEvent: (text) => events.push(text),
  });
  process.kill(pids[0] ?? 0, "SIGKILL");
  await restarted;
  await kept.stop(5000);
  assert.equal(pids.length, 2);
  assert.match(events[0] ?? "", /^x ended \(killed by SIGKILL\); starting it again/);
  assert.throws(() => process.kill(pids[1] ?? 0, 0), { code: "ESRCH" });
});

test("a child that dies again and again is given up, with its last words", async (t) => {
  const main = program(t, `console.log('{"ready":"x"}'); console.error("disk full"); setTimeout(() => process.exit(3), 30);`);
  const start = () => startChild({ main, name: "x", flags: [] });
  const kept = await supervise({ name: "x", start, onEvent: () => {} });
  await assert.rejects(kept.gaveUp, /x ended \(exit code 3\), \d times in a row\n {2}disk full/);
});

test("a log file is put aside once it is full", (t) => {
  const folder = scratch(t);
  const log = new LogFile(join(folder, "logs", "a.log"));
  const line = "x".repeat(2 ** 20);
  for (let index = 0; index < 18; index += 1) log.append(line);
  assert.ok(statSync(log.path).size < 4 * 2 ** 20);
  assert.ok(statSync(`${log.path}.old`).size <= 16 * 2 ** 20);
  new LogFile(log.path).append("last");
  assert.ok(readFileSync(log.path, "utf8").endsWith("x\nlast\n"));
});

function program(t: { after(done: () => void): void }, code: string): URL {
  const file = join(scratch(t), "main.mjs");
  writeFileSync(file, code);
  return pathToFileURL(file);
}

function scratch(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "regulus-supervisor-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
