/** The life of an attempt against a trial process that the test plays: time is the look that the agent takes, and nothing waits for it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ArtifactRef, defaults, EndReason, type Measurement, RegulusError, type ReportEvent } from "@regulus/proto";
import { pino } from "pino";
import { MemoryArtifacts, ScriptedChild } from "../testing/scripted-trial.js";
import { testLease, testSpec } from "../testing/test-agent.js";
import type { FromTrial } from "../trial/messages.js";
import { OverrunningSearches } from "./overrunning-searches.js";
import { ProcessAttempt } from "./process-attempt.js";
import { Residents } from "./residents.js";
import type { Assignment } from "./running-attempt.js";
import { lastWordMs } from "./set-end.js";

const scratch = mkdtempSync(join(tmpdir(), "regulus-life-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function until(holds: () => boolean): Promise<void> {
  const beganMs = performance.now();
  while (!holds()) {
    assert.ok(performance.now() < beganMs + 60_000, `waited a minute for: ${holds}`);
    await turn();
  }
}

/** One agent's worth of what attempts share. */
function machine() {
  const artifacts = new MemoryArtifacts();
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const overrunning = new OverrunningSearches();
  return { artifacts, residents, overrunning };
}

interface Given {
  readonly spec?: Parameters<typeof testSpec>[0];
  readonly work?: NonNullable<Parameters<typeof testLease>[1]>["work"];
  readonly key?: { trial: number; attempt: number };
  readonly resumeFrom?: ArtifactRef;
  readonly on?: ReturnType<typeof machine>;
  readonly stderr?: string;
}

let trials = 0;

/** Begins an attempt. Resolves when its process has its work, or the attempt is over. */
async function begin({ spec = {}, work, key, resumeFrom, on = machine(), stderr = "" }: Given = {}) {
  trials += 1;
  const lease = testLease(trials, { ...(key && { key }), ...(work && { work }) });
  assert.ok(lease.key && lease.work);
  const assignment: Assignment = { key: lease.key, work: lease.work, spec: testSpec(spec), seed: 7, resumeFrom, slots: [1] };
  const child = new ScriptedChild();
  let taken = 0;
  const events: ReportEvent[] = [];
  const stood: number[] = [];
  let closed = 0;
  const log = pino({ level: "silent" });
  const options = {
    ...on,
    scratch,
    log,
    backend: "cpu",
    memoryBytes: 2 ** 30,
    devices: {},
    backendUsesDevices: false,
    passed: { MINE: "1" },
    spares: {
      take: (kind: Parameters<ScriptedChild["asProcess"]>[0]) => {
        taken += 1;
        return child.asProcess(kind, stderr);
      },
    },
  };
  const listener = {
    event: (event: ReportEvent) => void events.push(event),
    standsAt: (step: number) => void stood.push(step),
    closed: () => {
      closed += 1;
    },
  };
  const attempt = new ProcessAttempt(assignment, listener, options);
  const folder = join(scratch, `${lease.key.searchId}-${lease.key.trial}-${lease.key.attempt}`);
  return {
    attempt,
    child,
    events,
    stood,
    folder,
    artifacts: on.artifacts,
    taken: () => taken,
    closed: () => closed,
    /** What was told, by kind. */
    kinds: () => events.map(({ $case }) => $case),
    found: () => events.flatMap((event) => (event.$case === "found" ? [event.value.message] : [])),
    end: async () => {
      await until(() => closed > 0);
      const last = events.at(-1);
      assert.ok(last?.$case === "finished", JSON.stringify(last));
      assert.equal(events.filter(({ $case }) => $case === "finished").length, 1);
      assert.deepEqual([closed, existsSync(folder)], [1, false]);
      return last.value;
    },
  };
}

type Begun = Awaited<ReturnType<typeof begin>>;

async function working(given: Given = {}): Promise<Begun> {
  const begun = await begin(given);
  await until(() => begun.child.heard.length > 0);
  return begun;
}

const measured = (step: number): FromTrial => {
  const measurement: Measurement = {
    step,
    metrics: { validLoss: step },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: {},
    seconds: 0,
  };
  return { kind: "measured", measurement };
};
const done: Extract<FromTrial, { kind: "finished" }> = {
  kind: "finished",
  reason: "done",
  message: "",
  step: 5,
  final: undefined,
  leaves: [],
};

/** Writes a checkpoint as the trial process does, and says so. `sum`: what it says of its content. */
function save({ child, folder }: Begun, name: string, step: number, sum?: string): string {
  const path = join(folder, name);
  writeFileSync(path, `content of ${name}`);
  const sha256 = createHash("sha256").update(`content of ${name}`).digest("hex");
  child.say({ kind: "saved", step, path, sha256: sum ?? sha256 });
  return sha256;
}

const patient = { resources: { stepTimeoutMs: 1e9 } };
const program = { argv: ["true"], stopGraceMs: 60_000 };

test("its process gets the work with files of its own, and what it leaves is stored and told with its end", async () => {
  const artifacts = new MemoryArtifacts();
  const from = artifacts.keep(Buffer.from("before"), "checkpoint");
  const schedule = artifacts.keep(Buffer.from("lr"), "schedule");
  const one = await working({
    resumeFrom: from,
    work: {
      inputs: [
        { searchId: "", trial: 3, artifact: schedule },
        { searchId: "other", trial: 0, artifact: schedule },
      ],
    },
    on: { ...machine(), artifacts },
  });
  const [told] = one.child.heard;
  assert.ok(told?.kind === "begin");
  const { directory, checkpoint, goesOn, overruns, aliveEveryMs, environment, seed, attempt } = told.begin;
  assert.deepEqual([directory, goesOn, overruns, aliveEveryMs, seed, attempt], [one.folder, false, false, 500, 7, 1]);
  assert.deepEqual(environment, { MINE: "1", REGULUS_SLOT: "1" });
  assert.deepEqual(
    [checkpoint, ...told.begin.inputs.map(({ path }) => path)].map((path) => readFileSync(path, "utf8")),
    ["before", "lr", "lr"],
  );
  assert.deepEqual(
    told.begin.inputs.map(({ searchId, trial, kind }) => [searchId, trial, kind]),
    [
      ["", 3, "schedule"],
      ["other", 0, "schedule"],
    ],
  );
  assert.equal(new Set(told.begin.inputs.map(({ path }) => path)).size, 1, "equal contents are fetched once");
  const path = join(one.folder, "output.txt");
  writeFileSync(path, "words");
  one.child.say(measured(5));
  one.child.say({ ...done, leaves: [{ path, kind: "output" }] });
  const end = await one.end();
  assert.deepEqual([end.reason, end.step, end.message], [EndReason.END_REASON_DONE, 5, ""]);
  assert.deepEqual(end.artifacts, [artifacts.keep(Buffer.from("words"), "output")]);
  assert.equal(one.child.connected, false, "it was disconnected");
});

test("a checkpoint is reported once it is stored and before the end, a measurement at once, and the trial then may save again", async () => {
  const one = await working();
  const open = one.artifacts.hold();
  const sha256 = save(one, "checkpoint-1", 3);
  one.child.say(measured(4));
  one.child.say(done);
  await turn();
  assert.deepEqual(one.kinds(), ["measured"]);
  open();
  await until(() => one.kinds().includes("checkpointed"));
  assert.equal(existsSync(join(one.folder, "checkpoint-1")), false, "its room is free");
  await one.end();
  assert.deepEqual(one.kinds(), ["measured", "checkpointed", "finished"]);
  const [, saved] = one.events;
  assert.deepEqual(saved?.$case === "checkpointed" && [saved.value.step, saved.value.checkpoint?.sha256], [3, sha256]);
});

test("a checkpoint that the store refuses or that changed on the disk is a warning, and the trial may save again", async () => {
  const one = await working();
  one.artifacts.failure = new RegulusError("permission-denied", "no more room for you");
  save(one, "checkpoint-1", 3);
  const stored = () => one.child.heard.filter(({ kind }) => kind === "stored").length;
  await until(() => stored() === 1);
  one.artifacts.failure = undefined;
  save(one, "checkpoint-2", 4, "0".repeat(64));
  await until(() => stored() === 2);
  assert.deepEqual(readdirSync(one.folder), []);
  one.child.say({ ...done, leaves: [{ path: join(one.folder, "gone"), kind: "output" }] });
  const { artifacts } = await one.end();
  assert.deepEqual([one.kinds(), artifacts], [["found", "found", "found", "finished"], []]);
  const [refused, changed, gone] = one.found();
  assert.match(refused ?? "", /^checkpoint could not be stored: no more room for you$/);
  assert.match(
    changed ?? "",
    /^the checkpoint at step 4 changed on the agent's disk and is not used: saw sum \w{12}, expected 0{12}$/,
  );
  assert.match(gone ?? "", /^output could not be stored: .*no such file/);
});

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

test("silence counts from the last word of the trial: whatever it says counts, an answer about its output does not", async () => {
  const signs: readonly FromTrial[] = [
    { kind: "alive", step: 1 },
    measured(1),
    { kind: "packing" },
    { kind: "found", source: "x", severity: "info", message: "" },
    { kind: "output", request: 99, part: { data: new Uint8Array(), offset: 0, nextOffset: 0, totalBytes: 0 } },
  ];
  for (const sign of signs) {
    const one = await working({ spec: { resources: { stepTimeoutMs: 1000 } } });
    await one.child.prepare();
    const [told] = one.child.heard;
    assert.equal(told?.kind === "begin" && told.begin.aliveEveryMs, 250, "four signs in the time that it may be silent");
    const begunMs = performance.now();
    while (performance.now() < begunMs + 2) await turn();
    one.child.say(sign);
    one.attempt.tick(begunMs + 1001);
    assert.equal(one.child.isKilled, sign.kind === "output", sign.kind);
    one.attempt.tick(performance.now() + 1001);
    const end = await one.end();
    assert.equal(end.reason, EndReason.END_REASON_TIMED_OUT);
    const step = sign.kind === "alive" || sign.kind === "measured" ? 1 : 0;
    assert.ok(end.message.includes(`after step ${step}; resources.stepTimeout allows 1s`), end.message);
    assert.deepEqual([end.step, end.final?.step], [step, sign.kind === "measured" ? 1 : undefined]);
  }
});

test("a process has two minutes to load, and an attempt's whole time counts from its work", async () => {
  const one = await working({ spec: { resources: { stepTimeoutMs: 1000, attemptTimeoutMs: 100_000 } } });
  one.attempt.tick(performance.now() + 99_000);
  assert.equal(one.child.isKilled, false);
  one.attempt.tick(performance.now() + 100_001);
  assert.match((await one.end()).message, /longer than 1m40s \(resources\.attemptTimeout\)/);
  const silent = await working({ spec: { resources: { stepTimeoutMs: 1000 } } });
  silent.attempt.tick(performance.now() + 120_001);
  assert.match((await silent.end()).message, /its process may take 2m to load/);
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
  assert.deepEqual(
    [end.reason, end.message],
    [EndReason.END_REASON_PREEMPTED, "room; the trial process ended without a last word"],
  );
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

test("a checkpoint that the store has lost is reported before the end; one that did not come whole is not", async () => {
  for (const [code, kinds] of [
    ["not-found", ["unrestorable", "finished"]],
    ["data-loss", ["unrestorable", "finished"]],
    ["internal", ["finished"]],
    ["unavailable", ["finished"]],
  ] as const) {
    const on = machine();
    const resumeFrom = on.artifacts.keep(Buffer.from("x"), "checkpoint");
    on.artifacts.failure = new RegulusError(code, "the test's");
    const one = await begin({ on, resumeFrom });
    const end = await one.end();
    assert.deepEqual([end.reason, end.message], [EndReason.END_REASON_LOST, "the attempt could not begin: the test's"]);
    assert.deepEqual(one.kinds(), kinds);
    const [first] = one.events;
    if (first?.$case === "unrestorable") assert.deepEqual(first.value, { checkpoint: resumeFrom, message: "the test's" });
  }
});

test("a trial that pauses leaves its process to its next attempt, which goes on where it stands and is stopped like any other", async () => {
  const on = machine();
  const one = await working({ on, key: { trial: 500, attempt: 1 } });
  const sha256 = save(one, "checkpoint-1", 20);
  one.child.say({ ...done, step: 20, stays: "saved" });
  await one.end();
  assert.deepEqual([one.child.connected, on.residents.count], [true, 1]);
  one.child.heard.length = 0;
  const resumeFrom = { sha256, size: 1, kind: "checkpoint" };
  const two = await begin({ on, key: { trial: 500, attempt: 2 }, resumeFrom });
  two.attempt.stop("preempted", "room");
  await until(() => one.child.heard.length === 2);
  const [told, stop] = one.child.heard;
  assert.ok(told?.kind === "begin");
  assert.deepEqual([told.begin.goesOn, told.begin.checkpoint, told.begin.attempt], [true, "", 2]);
  assert.deepEqual([stop, two.taken(), two.stood], [{ kind: "stop", reason: "preempted" }, 0, [20]]);
  // Its content is in the process: whatever that says of it is not said of the store.
  one.child.say({ kind: "unrestorable", message: "odd" });
  one.child.say({ ...done, reason: "preempted", step: 25, stays: "ahead" });
  await two.end();
  assert.deepEqual(two.kinds(), ["finished"]);
  assert.deepEqual(one.kinds(), ["checkpointed", "finished"], "the attempt before hears nothing of it");
  assert.equal(on.residents.count, 1);
  const three = await begin({ on, key: { trial: 500, attempt: 3 }, resumeFrom, spec: { resources: { stepTimeoutMs: 1000 } } });
  await until(() => three.stood.length === 1);
  assert.deepEqual(three.stood, [25]);
  // It has loaded long ago: its silence counts.
  three.attempt.tick(performance.now() + 1001);
  assert.equal((await three.end()).reason, EndReason.END_REASON_TIMED_OUT);
});

test("a process whose last checkpoint was not stored, or changed, waits for nobody, unless it may go on ahead of it", async () => {
  for (const [stays, how] of [
    ["saved", "refused"],
    ["saved", "changed"],
    ["ahead", "refused"],
  ] as const) {
    const on = machine();
    const one = await working({ on });
    if (how === "refused") on.artifacts.failure = new RegulusError("permission-denied", "no");
    save(one, "checkpoint-1", 20, how === "changed" ? "0".repeat(64) : undefined);
    one.child.say({ ...done, step: 20, stays });
    await one.end();
    assert.deepEqual([on.residents.count, one.child.isKilled], [stays === "saved" ? 0 : 1, stays === "saved"]);
    on.residents.close();
  }
});

test("a search whose program ran past its target is known at its next attempt", async () => {
  const on = machine();
  const one = await working({ on });
  one.child.say({ kind: "overran" });
  const two = await working({ on });
  assert.deepEqual(
    [one, two].map(({ child: { heard } }) => heard[0]?.kind === "begin" && heard[0].begin.overruns),
    [false, true],
  );
  for (const { attempt, closed } of [one, two]) {
    attempt.revoke();
    await until(() => closed() === 1);
  }
});

test("questions for output are answered by the process, and have no answer where there is none to ask", async () => {
  const on = machine();
  const open = on.artifacts.hold();
  const one = await begin({ on, resumeFrom: on.artifacts.keep(Buffer.from("x"), "checkpoint") });
  assert.equal(await one.attempt.output(0, 10), undefined, "it has not begun");
  open();
  await until(() => one.child.heard.length === 1);
  const asked = one.attempt.output(3, 10);
  const told = one.child.heard.at(-1);
  assert.ok(told?.kind === "output");
  assert.deepEqual([told.offset, told.bytesMax], [3, 10]);
  const part = { data: Buffer.from("abc"), offset: 3, nextOffset: 6, totalBytes: 6 };
  one.child.say({ kind: "output", request: told.request, part });
  assert.deepEqual(await asked, part);
  const open2 = one.attempt.output(6, 10);
  one.child.end(0);
  assert.equal(await open2, undefined);
  await one.end();
  assert.equal(await one.attempt.output(0, 10), undefined, "it is over");
  const stores = await working();
  const last = stores.attempt.output(0, 10);
  const store = stores.artifacts.hold();
  save(stores, "checkpoint-1", 3);
  stores.child.say(done);
  stores.child.end(0);
  assert.equal(await last, undefined, "though its end still waits for the store");
  store();
  await stores.end();
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
