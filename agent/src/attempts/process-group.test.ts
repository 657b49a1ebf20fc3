/** When a program counts as running: from its start to its end, whether or not its end was told of. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { isRunning } from "./process-group.js";

test("a program runs until it has ended, before its end is told of too", async () => {
  const child = spawn("cat", [], { stdio: ["pipe", "ignore", "ignore"] });
  assert.equal(isRunning(child), true);
  const failing = spawn("false");
  // No event is told before this turn is over: what /proc says is all there is.
  if (existsSync("/proc")) {
    const waits = `until grep -q ') Z' /proc/${failing.pid}/stat; do sleep 0.01; done`;
    assert.equal(spawnSync("sh", ["-c", waits], { timeout: 30_000 }).status, 0);
    assert.deepEqual([failing.exitCode, isRunning(failing)], [null, false]);
  }
  const ended = new Promise((resolve) => child.on("close", resolve));
  child.stdin?.end();
  await ended;
  assert.equal(isRunning(child), false);
});

test("a program that could not be started does not run", async () => {
  const child = spawn("/nowhere/program");
  await new Promise((resolve) => child.on("error", resolve));
  assert.equal(isRunning(child), false);
});
