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
import { agentMark, endMarked, leftWords, markVariable } from "./descendants.js";

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
after(async () => {
  await tested.end();
  coordinator.close();
});
let next = 0;

async function begin() {
  const started = await TestCoordinator.start();
  const agent = await startTestAgent(started.address);
  await agent.agent.registered;
  return { coordinator: started, tested: agent };
}

/** Runs the program; answers its trial and the numbers of its helpers once all of them run. */
async function run(how: "end" | "stay", stepTimeoutMs = 0, at = coordinator): Promise<{ key: LeaseKey; pids: number[] }> {
  const trial = next++;
  const file = join(folder, `pids-${trial}`);
  const argv = ["python3", program, file, how];
  const lease = testLease(trial, {
    key: { searchId: `s-${trial}` },
    spec: testSpec({ command: { argv, stopGraceMs: 100 }, resources: { stepTimeoutMs } }),
    work: { procedure: "command", untilStep: 0, final: true },
  });
  at.lease(lease);
  await at.until("the helpers run", () => existsSync(file) && at.measurements(trial).length > 0);
  const pids: number[] = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(pids.length, 3);
  assert.ok(lease.key);
  return { key: lease.key, pids };
}

test("a program that ends well leaves nobody behind", async () => {
  const { key, pids } = await run("end");
  assert.equal((await coordinator.finished(key.trial)).reason, EndReason.END_REASON_DONE);
  assert.deepEqual(pids.filter(lives), []);
});

test("one that is stopped, and one that is killed for its silence, leave nobody behind", async () => {
  const stopped = await run("stay");
  assert.deepEqual(stopped.pids.map(lives), [true, true, true]);
  coordinator.stop(stopped.key, EndReason.END_REASON_PREEMPTED, "room");
  const silent = await run("stay", 3000);
  assert.equal((await coordinator.finished(stopped.key.trial)).reason, EndReason.END_REASON_PREEMPTED);
  assert.deepEqual(stopped.pids.filter(lives), []);
  assert.equal((await coordinator.finished(silent.key.trial)).reason, EndReason.END_REASON_TIMED_OUT);
  assert.deepEqual(silent.pids.filter(lives), []);
});

test("an agent that ends takes everything with it, and one that starts ends what a killed one left", async () => {
  const other = await begin();
  const { pids } = await run("stay", 0, other.coordinator);
  await other.tested.agent.close();
  assert.deepEqual(pids.filter(lives), []);
  const start = (mark: string): ChildProcess =>
    spawn("sleep", ["600"], { detached: true, stdio: "ignore", env: { ...process.env, [markVariable]: mark } });
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

test("processes that can't be ended are named, a few of them", async () => {
  assert.equal(leftWords(await endMarked("no-such-mark")), undefined);
  const left = Array.from({ length: 7 }, (_, index) => ({ pid: index + 2, command: "sleep 77" }));
  assert.match(leftWords(left.slice(0, 1)) ?? "", /^a process that the program started is still there .*: 2 \(sleep 77\)$/);
  assert.match(leftWords(left) ?? "", /^7 processes .*6 \(sleep 77\) and 2 more$/);
});
