/** Data folders that real processes hold: one that ends, one that stays, and one that no `up` has started. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { orphanWaitMs, waitForOrphan } from "./orphans.js";

const root = mkdtempSync(join(tmpdir(), "regulus-orphans-"));
after(() => rmSync(root, { recursive: true, force: true }));

const wrapper = fileURLToPath(new URL("./with-parent.js", import.meta.url));
const main = join(root, "main.mjs");
writeFileSync(main, "setInterval(() => {}, 1000);");

/** A clock on which every wait is over at once. */
function jumping() {
  let now = 0;
  return {
    nowMs: () => now,
    async wait(ms: number) {
      now += ms;
    },
  };
}

async function held(name: string, args: readonly string[]): Promise<{ folder: string; holder: ChildProcess }> {
  const folder = mkdtempSync(join(root, name));
  const holder = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
  after(() => holder.kill("SIGKILL"));
  await new Promise((resolve) => holder.once("spawn", resolve));
  writeFileSync(join(folder, "lock"), String(holder.pid));
  return { folder, holder };
}

test("a start waits until an orphan has ended, and says once for what", async () => {
  const { folder, holder } = await held("ends", [wrapper, main]);
  const lines: string[] = [];
  const ended = new Promise((resolve) => holder.once("exit", resolve));
  let waits = 0;
  const clock = {
    nowMs: () => 0,
    async wait() {
      waits += 1;
      if (waits < 3) return;
      // Its parent goes: the program's input ends.
      holder.stdin?.end();
      await ended;
    },
  };
  await waitForOrphan({ folder, onWait: (line) => lines.push(line), clock });
  assert.equal(waits, 3);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", new RegExp(`in use by the agent with process id ${holder.pid}, left by .*; waiting up to 15 s`));
});

test("the wait for one that does not end is bounded, and an abort ends it", async () => {
  const { folder } = await held("stays", [wrapper, main]);
  const clock = jumping();
  await waitForOrphan({ folder, onWait: () => undefined, clock });
  assert.ok(clock.nowMs() >= orphanWaitMs && clock.nowMs() < orphanWaitMs + 1000, `${clock.nowMs()} ms`);
  await assert.rejects(waitForOrphan({ folder, onWait: () => undefined, signal: AbortSignal.abort() }), { code: "cancelled" });
});

test("nothing is waited for where no agent of an up holds the folder", async () => {
  const fail = (line: string) => assert.fail(line);
  const { folder: byHand } = await held("by-hand", [main]);
  const { folder: gone, holder } = await held("gone", [wrapper, main]);
  const ended = new Promise((resolve) => holder.once("exit", resolve));
  holder.kill("SIGKILL");
  await ended;
  for (const folder of [byHand, gone, join(root, "new")]) await waitForOrphan({ folder, onWait: fail, clock: jumping() });
});
