import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { EndReason } from "@regulus/proto";
import { exitReason, type ProcessExit } from "./exit-reason.js";
import { childrenOf, residentBytes, treeMemoryBytes } from "./process-memory.js";

const base = { code: null, signal: null, stderr: "", userCode: false, kernelOutOfMemory: false };

test("whose code crashed decides whether a trial is retried", () => {
  const of = (exit: Partial<ProcessExit>) => exitReason({ ...base, ...exit }).reason;
  assert.equal(of({ code: 1 }), EndReason.END_REASON_LOST);
  assert.equal(of({ code: 1, userCode: true }), EndReason.END_REASON_USER_ERROR);
  assert.equal(of({ signal: "SIGSEGV", userCode: true }), EndReason.END_REASON_USER_ERROR);
  assert.equal(of({ signal: "SIGKILL", userCode: true }), EndReason.END_REASON_LOST);
  assert.equal(of({ signal: "SIGKILL", kernelOutOfMemory: true }), EndReason.END_REASON_OUT_OF_MEMORY);
  assert.equal(
    of({ code: 1, userCode: true, kernelOutOfMemory: true }),
    EndReason.END_REASON_USER_ERROR,
    "another one was killed",
  );
  for (const code of [129, 137, 143]) assert.equal(of({ code, userCode: true }), EndReason.END_REASON_LOST);
  const heap = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
  assert.equal(of({ signal: "SIGABRT", stderr: heap, userCode: true }), EndReason.END_REASON_OUT_OF_MEMORY);
});

test("the message holds the last ten lines and how it ended", () => {
  const stderr = Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\n");
  const { message } = exitReason({ ...base, signal: "SIGSEGV", stderr });
  assert.match(message, /^the trial process ended with signal SIGSEGV; its last lines:\nline 20\n/);
  assert.ok(message.endsWith("line 29"));
});

test("memory is that of the whole tree below a process", async () => {
  // The same number in pages of 4 KiB; between the two looks it changes by little. A kB of the kernel's has 1,024 bytes.
  const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]);
  assert.ok(pages * 4096 > 50 * 2 ** 20 && Math.abs((residentBytes(process.pid) ?? 0) - pages * 4096) < 2 ** 20);
  const child = spawn("sh", ["-c", "python3 -c 'held = bytearray(64 * 2**20); print(1, flush=True); input()'; true"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const tree = treeMemoryBytes(child.pid ?? 0, { countRoot: false }) ?? 0;
  child.stdin.end("\n");
  // Python itself takes about 10 MiB beside the 64 that it holds.
  assert.ok(tree > 64 * 2 ** 20 && tree < 110 * 2 ** 20, `${tree} bytes`);
  await new Promise((resolve) => child.once("close", resolve));
  assert.equal(treeMemoryBytes(child.pid ?? 0, { countRoot: true }), undefined);
});

test("what a thread of a process started is below the process, too", async () => {
  const thread = new Worker(
    `const child = require("node:child_process").spawn("sleep", ["600"]);
    require("node:worker_threads").parentPort.postMessage(child.pid); setInterval(() => undefined, 1000);`,
    { eval: true },
  );
  const pid = await new Promise<number>((resolve) => thread.once("message", resolve));
  assert.ok(childrenOf(process.pid).includes(pid));
  process.kill(pid, "SIGKILL");
  await thread.terminate();
});
