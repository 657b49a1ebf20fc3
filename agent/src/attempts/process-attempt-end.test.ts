/** How an attempt ends: stopped, killed, taken away, or by the word of a process that the test plays. Time is the look that the agent takes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { defaults, EndReason } from "@regulus/proto";
import { lastWordMs } from "./set-end.js";
import { begin, done, type Given, machine, measured, program, save, turn, until, working } from "./testing/played-process.js";

const patient = { resources: { stepTimeoutMs: 1e9 } };

test("a stop is sent once, the first one counts, and its reason begins the message of the end, unless the trial ended otherwise", async () => {
  for (const [reason, said, expected] of [
    ["preempted", "", "room"],
    ["preempted", "my own", "room; my own"],
    ["done", "", ""],
    ["user-error", "my own", "my own"],
  ] as const) {
    const one = await working();
    one.attempt.stop("preempted", "room");
    one.attempt.stop("stopped-early", "late");
    assert.deepEqual(one.child.heard.slice(1), [{ kind: "stop", reason: "preempted" }]);
    one.child.say({ ...done, reason, message: said });
    assert.equal((await one.end()).message, expected);
  }
});

test("a trial that does not end in time after a stop is killed: a program has its grace, and others none", async () => {
  const cases: readonly (readonly [Given, number])[] = [
    [{ spec: patient }, 0],
    [{ spec: { ...patient, command: program } }, 60_000],
    [{ spec: { ...patient, command: { argv: ["true"] } } }, defaults.stopGraceMs],
  ];
  for (const [given, graceMs] of cases) {
    const one = await working(given);
    one.child.say(measured(8));
    const before = performance.now();
    one.attempt.stop("stopped-early", graceMs === 0 ? "" : "enough");
    const after = performance.now();
    one.attempt.tick(before + graceMs + lastWordMs);
    assert.equal(one.child.isKilled, false);
    one.attempt.tick(after + graceMs + lastWordMs + 1);
    assert.equal(one.child.isKilled, true);
    const end = await one.end();
    const words = "it did not end in time and was killed";
    assert.deepEqual([end.reason, end.step, end.final?.step], [EndReason.END_REASON_STOPPED_EARLY, 8, 8]);
    assert.equal(end.message, graceMs === 0 ? words : `enough; ${words}`);
  }
});

test("while a checkpoint is packed, a stop waits for it", async () => {
  const one = await working({ spec: patient });
  one.attempt.stop("preempted", "room");
  const stoppedMs = performance.now();
  while (performance.now() < stoppedMs + 2) await turn();
  one.child.say({ kind: "packing" });
  one.attempt.tick(stoppedMs + lastWordMs + 1);
  assert.equal(one.child.isKilled, false);
  one.attempt.tick(performance.now() + lastWordMs + 1);
  assert.equal(one.child.isKilled, true);
  await one.end();
});

/** No process has this number: what is sent to it reaches nobody. */
const group = 2 ** 30;

test("a program is killed alone for a limit: its trial process tells the rest, in time, and the limit is the reason", async () => {
  const limited = { spec: { command: program, resources: { attemptTimeoutMs: 1000 } } };
  const passed = async () => {
    const on = machine();
    const one = await working({ ...limited, on });
    one.child.say({ kind: "program", group });
    const nowMs = performance.now() + 2000;
    one.attempt.tick(nowMs);
    assert.equal(one.child.isKilled, false);
    one.attempt.stop("preempted", "room");
    assert.equal(one.child.heard.length, 1, "it ends already");
    return { one, on, nowMs };
  };
  const tells = await passed();
  tells.one.child.say({ ...done, step: 9, message: "its own", stays: "ahead" });
  const told = await tells.one.end();
  const falls = await passed();
  falls.one.child.end(1);
  const fell = await falls.one.end();
  const hangs = await passed();
  hangs.one.attempt.tick(hangs.nowMs + lastWordMs);
  assert.equal(hangs.one.child.isKilled, false);
  hangs.one.attempt.tick(hangs.nowMs + lastWordMs + 1);
  assert.equal(hangs.one.child.isKilled, true);
  const hung = await hangs.one.end();
  for (const { reason, message } of [told, fell, hung]) {
    assert.equal(reason, EndReason.END_REASON_TIMED_OUT);
    assert.match(message, /^the attempt took longer than 1s/);
  }
  assert.deepEqual([told.step, fell.step], [9, 0]);
  assert.deepEqual([tells.one.child.connected, tells.on.residents.count], [false, 0], "it does not stay");
});

test("a program ends with its trial process, and with its attempt", async () => {
  for (const how of ["exit", "revoke"] as const) {
    const one = await working({ spec: { command: program } });
    const own = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    const ended = new Promise((resolve) => own.once("exit", (_, signal) => resolve(signal)));
    one.child.say({ kind: "program", group: own.pid ?? group });
    if (how === "exit") one.child.end(1);
    else one.attempt.revoke();
    assert.equal(await ended, "SIGKILL");
    await until(() => one.closed() === 1);
  }
});

test("a process that ends without a last word is lost or the user's, by whose code ran, or ends as it was asked to", async () => {
  const stderr = "words";
  const ours = await working({ stderr });
  ours.child.say(measured(2));
  save(ours, "checkpoint-1", 2);
  ours.child.end(3);
  const lost = await ours.end();
  assert.deepEqual(ours.kinds(), ["measured", "checkpointed", "finished"], "what it had saved is stored first");
  assert.deepEqual([lost.reason, lost.step, lost.final?.step], [EndReason.END_REASON_LOST, 2, 2]);
  assert.match(lost.message, /exit code 3; its last lines:\nwords$/);
  const users = await working({ spec: { workload: { name: "count", module: "/x.mjs" } } });
  users.child.end(3);
  assert.equal((await users.end()).reason, EndReason.END_REASON_USER_ERROR);
  const stopped = await working();
  stopped.attempt.stop("preempted", "room");
  stopped.child.end(3);
  const end = await stopped.end();
  assert.deepEqual([end.reason, end.message], [EndReason.END_REASON_PREEMPTED, "room; the trial process ended without a result"]);
  const unforked = await working();
  unforked.child.emit("error", new Error("EAGAIN"));
  const failed = await unforked.end();
  assert.deepEqual([failed.reason, failed.message], [EndReason.END_REASON_LOST, "the trial process failed: EAGAIN"]);
});

test("after its end an attempt tells nothing more, whatever its process still says and however it ends", async () => {
  const one = await working();
  one.child.say(done);
  for (const late of [measured(9), { ...done, reason: "lost" as const }, { kind: "packing" as const }]) one.child.say(late);
  one.attempt.stop("preempted", "late");
  one.child.end(1);
  one.attempt.tick(performance.now() + 1e9);
  assert.equal((await one.end()).reason, EndReason.END_REASON_DONE);
  await turn();
  assert.deepEqual([one.kinds(), one.closed()], [["finished"], 1]);
});

test("an attempt that is taken away ends at once and tells nothing, also where a checkpoint is on its way", async () => {
  const one = await working();
  const open = one.artifacts.hold();
  save(one, "checkpoint-1", 3);
  await turn();
  one.attempt.revoke();
  assert.equal(one.child.isKilled, true);
  one.child.say(measured(9));
  await until(() => one.closed() === 1);
  open();
  for (let turns = 0; turns < 5; turns += 1) await turn();
  assert.deepEqual([one.kinds(), one.closed(), existsSync(one.folder)], [[], 1, false]);
});

test("what is stopped or taken away before it began starts no process", async () => {
  for (const how of ["stop", "revoke"] as const) {
    const on = machine();
    const open = on.artifacts.hold();
    const one = await begin({ on, resumeFrom: on.artifacts.keep(Buffer.from("x"), "checkpoint") });
    if (how === "revoke") one.attempt.revoke();
    else one.attempt.stop("preempted", "room");
    open();
    if (how === "stop") {
      const { reason, message } = await one.end();
      assert.deepEqual([reason, message], [EndReason.END_REASON_PREEMPTED, "room"]);
    }
    await until(() => one.closed() === 1);
    assert.equal(one.taken(), 0);
  }
});

test("a process that does not go after its last word is killed", async () => {
  const one = await working();
  const killed = new Promise<void>((resolve) => one.child.once("exit", () => resolve()));
  one.child.say(done);
  await one.end();
  assert.equal(one.child.isKilled, false, "it has a moment to go by itself");
  const tooLong = setTimeout(() => one.child.emit("exit"), 20_000);
  await killed;
  clearTimeout(tooLong);
  assert.equal(one.child.isKilled, true);
});
