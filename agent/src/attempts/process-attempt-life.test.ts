/** The life of an attempt against a trial process that the test plays: time is the look that the agent takes, and nothing waits for it. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { EndReason, RegulusError } from "@regulus/proto";
import { MemoryArtifacts } from "../testing/scripted-trial.js";
import type { FromTrial } from "../trial/messages.js";
import { begin, done, machine, measured, save, turn, until, working } from "./testing/played-process.js";

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

test("a trial that pauses leaves its process to its next attempt, which continues where it stands and is stopped like any other", async () => {
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

test("a process whose last checkpoint was not stored, or changed, waits for nobody, unless it may continue ahead of it", async () => {
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
