/** Which processes may wait, and who gets them: with processes that do nothing. */
import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Resident, Residents } from "./residents.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-residents-"));
const idle = join(folder, "idle.mjs");
writeFileSync(idle, 'process.on("disconnect", () => process.exit());');
after(() => rmSync(folder, { recursive: true }));

const kind = { backend: "cpu", memoryBytes: 2 ** 28 };
const name = (trial: number) => ({ searchId: "s", trial });
const key = (trial: number, attempt = 2) => ({ ...name(trial), attempt });

/** A process that waits, and its end. */
function waiting(more: Partial<Resident> = {}): { resident: Resident; ended: Promise<void>; isEnded: () => boolean } {
  const child = fork(idle, { stdio: "ignore" });
  const process = { child, kind, mark: "none", prepared: Promise.resolve(undefined), stderr: () => "" };
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const resident = { process, sha256: "a", aheadOf: undefined, step: 1, programGroup: undefined, slots: [0], ...more };
  return { resident, ended, isEnded: () => child.killed };
}

test("four may wait for each slot, one for each trial; whoever waits longest goes first", async () => {
  const residents = new Residents({ slots: 2, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const all = Array.from({ length: 9 }, () => waiting());
  for (const [trial, { resident }] of all.entries()) residents.keep(name(trial), resident);
  await all[0]?.ended;
  assert.equal(residents.count, 8);
  assert.deepEqual(
    all.map(({ isEnded }) => isEnded()),
    all.map((_, trial) => trial === 0),
  );
  const again = waiting();
  residents.keep(name(4), again.resident);
  await all[4]?.ended;
  assert.equal(residents.count, 8);
  assert.equal(residents.take(key(4), "a")?.process, again.resident.process);
  residents.close();
  await Promise.all(all.map(({ ended }) => ended));
  const late = waiting();
  residents.keep(name(9), late.resident);
  await late.ended;
  assert.equal(residents.count, 0);
  again.resident.process.child.kill("SIGKILL");
});

test("those that wait end where the trials that run need their memory", async () => {
  let runningBytes = 0;
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => runningBytes });
  const [first, second] = [waiting(), waiting()];
  residents.keep(name(0), first.resident);
  assert.ok(residents.memoryBytes() > 0);
  assert.equal(first.isEnded(), false);
  runningBytes = 2 ** 40;
  residents.keep(name(1), second.resident);
  assert.equal(residents.count, 0);
  await Promise.all([first.ended, second.ended]);
  residents.close();
});

test("a process that is ahead of what it saved may wait for longer than one that stands there, and none for ever", async () => {
  const options = { slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 };
  const residents = new Residents(options, { idleMsMax: { saved: 0, ahead: 1e9 }, lookEveryMs: 1 });
  const [saved, ahead] = [waiting(), waiting({ aheadOf: 1 })];
  for (const [trial, { resident }] of [saved, ahead].entries()) residents.keep(name(trial), resident);
  await saved.ended;
  assert.deepEqual([residents.count, ahead.isEnded()], [1, false]);
  residents.close();
  const hasty = new Residents(options, { idleMsMax: { saved: 1e9, ahead: 0 }, lookEveryMs: 1 });
  const [stays, goes] = [waiting(), waiting({ aheadOf: 1 })];
  for (const [trial, { resident }] of [stays, goes].entries()) hasty.keep(name(trial), resident);
  await goes.ended;
  assert.deepEqual([hasty.count, stays.isEnded()], [1, false]);
  hasty.close();
  await Promise.all([ahead.ended, stays.ended]);
});

test("one that ends while it waits is forgotten, and one that has ended is not kept", async () => {
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const one = waiting();
  residents.keep(name(0), one.resident);
  one.resident.process.child.kill("SIGKILL");
  await one.ended;
  assert.deepEqual([residents.count, residents.take(key(0), "a")], [0, undefined]);
  residents.keep(name(0), one.resident);
  assert.equal(residents.count, 0);
  residents.close();
});

test("its program ends with a process that waits", async () => {
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const program = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  const { resident, ended } = waiting(program.pid === undefined ? {} : { programGroup: program.pid });
  const programEnded = new Promise((resolve) => program.once("exit", (_, signal) => resolve(signal)));
  residents.keep(name(0), resident);
  residents.close();
  assert.equal(await programEnded, "SIGKILL");
  await ended;
});

test("a process that was taken and ends takes nobody with it who waits for the same trial later", async () => {
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const [first, second] = [waiting(), waiting()];
  residents.keep(name(0), first.resident);
  residents.take(key(0), "a");
  residents.keep(name(0), second.resident);
  first.resident.process.child.kill("SIGKILL");
  await first.ended;
  assert.deepEqual([residents.count, second.isEnded()], [1, false]);
  residents.close();
  await second.ended;
});

test("a lease gets the process that stands where it continues from; one that stands elsewhere is ended", async () => {
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const cases: readonly (readonly [Partial<Resident>, attempt: number, from: string | undefined, isTaken: boolean])[] = [
    [{ sha256: "a" }, 7, "a", true],
    [{ sha256: "a" }, 7, "b", false],
    [{ sha256: undefined }, 2, undefined, false],
    [{ sha256: undefined, aheadOf: 1 }, 2, undefined, true],
    [{ sha256: "a", aheadOf: 1 }, 2, "a", true],
    [{ sha256: "a", aheadOf: 1 }, 3, "a", false],
    [{ sha256: "a", aheadOf: 1 }, 2, "b", false],
  ];
  let taken = 0;
  for (const [trial, [more, attempt, from, isTaken]] of cases.entries()) {
    const { resident, ended, isEnded } = waiting({ ...more, slots: [trial] });
    residents.keep(name(trial), resident);
    assert.deepEqual(residents.slotsOf(name(trial)), [trial]);
    const found = residents.take(key(trial, attempt), from);
    assert.equal(found?.process, isTaken ? resident.process : undefined, `case ${trial}`);
    taken += isTaken ? 1 : 0;
    assert.equal(isEnded(), !isTaken);
    if (isTaken) resident.process.child.kill("SIGKILL");
    await ended;
    assert.equal(residents.slotsOf(name(trial)), undefined);
  }
  assert.deepEqual([residents.reusedTotal, residents.count], [taken, 0]);
  residents.close();
});
