/** Children that behave, die, refuse to die and lose their parent, as small real programs. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { RegulusError } from "@regulus/proto";
import { plainLogLine, startChild } from "./child.js";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "regulus-child-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const ready =
  'console.log(JSON.stringify({ ready: "x", address: "127.0.0.1:1", pid: process.pid, flags: process.argv.slice(2) }));';
const forever = "setInterval(() => {}, 1000);";

test("a child tells that it is ready, gets its flags, and ends when asked", async () => {
  // The handler first: its parent may answer the ready line before the next statement runs.
  const main = await program("good", `process.on("SIGTERM", () => process.exit(7));${ready}${forever}`);
  const child = await startChild({ main, name: "good", flags: ["--a", "b"] });
  assert.equal(child.ready.address, "127.0.0.1:1");
  assert.deepEqual(child.ready.flags, ["--a", "b"]);
  assert.deepEqual(await child.stop(60_000), { code: 7, signal: null });
});

test("a child that ends before it is ready is an error with its last log lines", async () => {
  const main = await program(
    "bad",
    'console.error(JSON.stringify({ level: 50, time: 1, msg: "port taken", port: 1 })); process.exitCode = 3;',
  );
  await assert.rejects(startChild({ main, name: "bad", flags: [] }), (error: unknown) => {
    assert.ok(error instanceof RegulusError);
    assert.equal(error.message, 'bad ended before it was ready (exit code 3)\n  error: port taken {"port":1}');
    return true;
  });
});

test("a child that is never ready, or not wanted any more, is ended", async () => {
  const main = await program("slow", forever);
  await assert.rejects(startChild({ main, name: "slow", flags: [], readyMs: 100 }), { code: "deadline" });
  await assert.rejects(startChild({ main, name: "slow", flags: [] }, AbortSignal.timeout(50)), { code: "cancelled" });
});

test("a child that ignores every signal is killed when its grace is over", async () => {
  const main = await program("stubborn", `process.on("SIGTERM", () => {});${ready}${forever}`);
  const child = await startChild({ main, name: "stubborn", flags: [] });
  const began = performance.now();
  assert.deepEqual(await child.stop(200), { code: null, signal: "SIGKILL" });
  assert.ok(performance.now() - began >= 195, "killed before its grace was over");
});

test("a child ends by itself when its parent is killed", async (t) => {
  const main = await program("orphan", `${ready}${forever}`);
  const module = new URL("./child.js", import.meta.url).href;
  const parentCode = `const { startChild } = await import(${JSON.stringify(module)});
    const child = await startChild({ main: new URL(${JSON.stringify(main.href)}), name: "orphan", flags: [] });
    console.log(String(child.ready.pid));`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", parentCode], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => parent.kill("SIGKILL"));
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once("data", (data: Buffer) => resolve(Number(data.toString()))),
  );
  assert.ok(alive(pid));
  parent.kill("SIGKILL");
  // The end of a pipe is seen at once; the bound is for a busy machine.
  for (let tries = 0; alive(pid) && tries < 1200; tries++) await wait(50);
  assert.ok(!alive(pid), "the child outlived its parent");
});

test("log lines read as words", () => {
  assert.equal(plainLogLine('{"level":30,"time":1,"part":"agent","msg":"registered"}'), "info: registered");
  assert.equal(plainLogLine("not JSON"), "not JSON");
});

async function program(name: string, code: string): Promise<URL> {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, code);
  return pathToFileURL(file);
}

/** Where nothing collects orphans, as in some containers, an ended one stays as a zombie (state Z). */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
