/**
 * Whatever a program starts ends with its attempt, however that ends and wherever the process went: into a session of its own, to another
 * parent, or without its environment. A process that never belonged to a trial is left alone.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EndReason, type LeaseKey } from "@regulus/proto";
import { startTestAgent, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import { agentMark, endMarked, Family, killTree, leftWords, markVariable } from "./descendants.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-descendants-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts helpers in three ways, writes their numbers, and then does what it is told: "end", or "stay" whatever SIGTERM says. */
const program = join(folder, "program.py");
writeFileSync(
  program,
  `
import json, os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = [subprocess.Popen(["sleep", "600"], start_new_session=True).pid]
read, write = os.pipe()
if os.fork() == 0:  # A daemon: two forks, a session of its own, and a parent that is gone.
    os.setsid()
    daemon = os.fork()
    if daemon == 0:
        os.close(write)
        os.execvp("sleep", ["sleep", "600"])
    os.write(write, str(daemon).encode()); os._exit(0)
os.wait()
pids.append(int(os.read(read, 32)))
bare = subprocess.Popen(["sleep", "600"], start_new_session=True, env={})
pids.append(bare.pid)
for _ in range(6):  # Long enough that its family is seen, by a look each second, also on a machine that is busy.
    time.sleep(0.5)
    print(".", flush=True)
with open(sys.argv[1] + ".part", "w") as file: json.dump(pids, file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
print(json.dumps({"step": 1, "validLoss": 1}), flush=True)
while sys.argv[2] == "stay": time.sleep(0.05)
`,
);

/** Whether a process is there and more than a name that nobody has asked for yet. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

const { coordinator, tested } = await begin();
const other = await begin();
after(async () => {
  await tested.end();
  coordinator.close();
});
let next = 0;

async function begin() {
  const started = await TestCoordinator.start();
  const agent = await startTestAgent(started.address, { slots: 4 });
  await agent.agent.registered;
  return { coordinator: started, tested: agent };
}

/** Runs the program; `helpers` are their numbers once all of them run. */
function run(how: "end" | "stay", stepTimeoutMs = 0, at = coordinator): { key: LeaseKey; helpers: Promise<number[]> } {
  const trial = next++;
  const file = join(folder, `pids-${trial}`);
  const argv = ["python3", program, file, how];
  const lease = testLease(trial, {
    key: { searchId: `s-${trial}` },
    spec: testSpec({ command: { argv, stopGraceMs: 100 }, resources: { stepTimeoutMs } }),
    work: { procedure: "command", untilStep: 0, final: true },
  });
  assert.ok(lease.key);
  at.lease(lease);
  const running = at.until("the helpers run", () => existsSync(file) && at.measurements(trial).length > 0);
  const helpers = running.then(() => {
    const pids: number[] = JSON.parse(readFileSync(file, "utf8"));
    assert.equal(pids.length, 3);
    return pids;
  });
  return { key: lease.key, helpers };
}

// Side by side: each takes some seconds, in which it waits.
const ends = run("end");
const stopped = run("stay");
const silent = run("stay", 3000);
const taken = run("stay", 0, other.coordinator);

test("a program that ends well leaves no process behind", async () => {
  const pids = await ends.helpers;
  assert.equal((await coordinator.finished(ends.key.trial)).reason, EndReason.END_REASON_DONE);
  assert.deepEqual(pids.filter(lives), []);
});

test("one that is stopped, and one that is killed for its silence, leave nobody behind", async () => {
  const pids = await stopped.helpers;
  assert.deepEqual(pids.map(lives), [true, true, true]);
  coordinator.stop(stopped.key, EndReason.END_REASON_PREEMPTED, "room");
  assert.equal((await coordinator.finished(stopped.key.trial)).reason, EndReason.END_REASON_PREEMPTED);
  assert.deepEqual(pids.filter(lives), []);
  assert.equal((await coordinator.finished(silent.key.trial)).reason, EndReason.END_REASON_TIMED_OUT);
  assert.deepEqual((await silent.helpers).filter(lives), []);
});

test("an agent that ends takes everything with it, and one that starts ends what a killed one left", async () => {
  const pids = await taken.helpers;
  await other.tested.agent.close();
  assert.deepEqual(pids.filter(lives), []);
  const left = start(`${agentMark(other.tested.data)}:1234`);
  const stranger = start(`${"0".repeat(16)}:1234`);
  try {
    const again = await startTestAgent(other.coordinator.address, { data: other.tested.data });
    assert.equal(lives(left.pid ?? 0), false);
    assert.equal(lives(stranger.pid ?? 0), true);
    await again.end();
    rmSync(other.tested.data, { recursive: true, force: true });
  } finally {
    stranger.kill("SIGKILL");
    other.coordinator.close();
  }
});

/** Starts a process in a session of its own, with a mark in its environment. */
function start(mark: string, ...[program = "sleep", ...args]: string[]): ChildProcess {
  const argv = args.length > 0 ? args : ["600"];
  return spawn(program, argv, {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env.PATH, [markVariable]: mark },
  });
}

/** Numbers that a process prints, one a line. */
async function printed(child: ChildProcess, count: number): Promise<number[]> {
  let text = "";
  return await new Promise((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const numbers = text.trim().split("\n").map(Number);
      if (numbers.length === count && text.endsWith("\n")) resolve(numbers);
    });
  });
}

/** A grandchild without a mark, and a child with one. */
const forget = "(setsid env -i sleep 600 & echo $!; wait) & setsid sleep 600 & echo $!; wait";

test("a family is known by its mark, and by what was seen of it while its program ran", async () => {
  const child = start("family:1", "sh", "-c", forget);
  const root = child.pid ?? 0;
  const family = new Family(root, "family:", 1);
  const kin = await printed(child, 2);
  // Both clocks tick alike: a look came after each.
  for (let ticks = 0; ticks < 5; ticks += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  const unseen = start("family:2");
  const stranger = start("famil");
  try {
    process.kill(root, "SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    assert.deepEqual(kin.map(lives), [true, true]);
    assert.deepEqual(family.end(), []);
    assert.deepEqual([...kin, unseen.pid ?? 0].map(lives), [false, false, false]);
    assert.equal(lives(stranger.pid ?? 0), true);
  } finally {
    stranger.kill("SIGKILL");
  }
});

test("without a mark only the family that was seen ends, up to the moment of its end", async () => {
  const child = start("other:1", "sh", "-c", forget);
  const kin = await printed(child, 2);
  const twin = start("other:2");
  try {
    // No look but the last one.
    assert.deepEqual(new Family(child.pid ?? 0, undefined, 1_000_000).end(), []);
    assert.deepEqual([...kin, twin.pid ?? 0].map(lives), [false, false, true]);
  } finally {
    child.kill("SIGKILL");
    twin.kill("SIGKILL");
  }
});

test("a tree is killed with its root, and what holds a mark elsewhere than in its variable is left alone", async () => {
  const child = start("tree:1", "sh", "-c", 'sh -c "sleep 600 & echo \\$!; wait" & echo $!; wait');
  const pids = await printed(child, 2);
  const quotes = spawn("sleep", ["600"], { stdio: "ignore", env: { PATH: process.env.PATH, NOTE: `${markVariable}=tree:1` } });
  try {
    assert.deepEqual(await endMarked("tree:9"), []);
    assert.deepEqual(pids.map(lives), [true, true]);
    killTree(child.pid ?? 0);
    await new Promise((resolve) => child.once("exit", resolve));
    while (pids.some(lives)) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(await endMarked("tree:1"), []);
    assert.equal(lives(quotes.pid ?? 0), true);
  } finally {
    quotes.kill("SIGKILL");
  }
});

test("processes that can't be ended are named, a few of them", async () => {
  assert.equal(leftWords(await endMarked("no-such-mark")), undefined);
  const left = Array.from({ length: 7 }, (_, index) => ({ pid: index + 2, command: "sleep 77" }));
  assert.match(leftWords(left.slice(0, 1)) ?? "", /^a process that the program started is still there .*: 2 \(sleep 77\)$/);
  assert.match(leftWords(left) ?? "", /^7 processes .*6 \(sleep 77\) and 2 more$/);
});
