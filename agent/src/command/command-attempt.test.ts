import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EndReason, type Lease, Work } from "@regulus/proto";
import { startTestAgent, startTestPair, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import type { FromTrial } from "../trial/messages.js";
import { runCommand } from "./command-attempt.js";

const example = fileURLToPath(new URL("../../../examples/command/train.py", import.meta.url));

const { coordinator, end } = await startTestPair();
after(end);

let next = 0;
function give(
  argv: string[],
  parts: Parameters<typeof testLease>[1] = {},
  more: {
    resources?: { stepTimeoutMs?: number; memoryBytes?: number };
    env?: Record<string, string>;
    stopGraceMs?: number;
    directory?: string;
  } = {},
): Lease {
  const searchId = `search-${next}`;
  const lease = testLease(next, {
    spec: testSpec({
      command: { argv, stopGraceMs: more.stopGraceMs ?? 60_000, env: more.env ?? {}, directory: more.directory ?? "" },
      resources: more.resources ?? {},
    }),
    ...parts,
    key: { searchId, ...parts.key },
    work: { procedure: "command", untilStep: 60, final: true, ...parts.work },
  });
  next += 1;
  coordinator.lease(lease);
  return lease;
}
const trialOf = (lease: Lease): number => lease.key?.trial ?? -1;
const script = (text: string) => ["sh", "-c", text];
const findings = (trial: number) =>
  coordinator.reports.flatMap(({ lease, event }) =>
    lease?.trial === trial && event?.$case === "found" ? [event.value.message] : [],
  );

function outputOf(lease: Lease): string {
  const report = coordinator.reports.find(
    ({ lease: key, event }) => key?.trial === trialOf(lease) && event?.$case === "finished",
  );
  const artifact = report?.event?.$case === "finished" ? report.event.value.artifacts[0] : undefined;
  assert.equal(artifact?.kind, "output");
  return coordinator.artifacts.get(artifact?.sha256 ?? "")?.toString("utf8") ?? "";
}

test("the Python example trains, measures what its card says, and its output is kept", async () => {
  const parameters = { learningRate: 0.5, l2: 0.01 };
  const lease = give(["python3", example], { work: { parameters } });
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.message, "");
  assert.equal(end.reason, EndReason.END_REASON_DONE);
  const measured = coordinator.measurements(trialOf(lease));
  assert.deepEqual(
    measured.map(({ step }) => step),
    [20, 40, 60],
  );
  const losses = measured.map(({ metrics }) => metrics.validLoss ?? Number.NaN);
  // A guess without weights costs log 2 = 0.693; twelve weights from sixty examples get well below it.
  assert.ok((losses.at(-1) ?? 1) < 0.6, `valid losses ${losses.join(", ")}`);
  assert.match(outputOf(lease), /training from step 0 to 60 with \{'learningRate': 0.5, 'l2': 0.01\}/);
  assert.deepEqual(
    coordinator.checkpoints(trialOf(lease)).map(({ step }) => step),
    [60],
    "what it saved last is stored before its end",
  );
});

test("a program in another folder gets absolute paths from an agent with a relative one", async () => {
  const data = mkdtempSync(join(tmpdir(), "regulus-relative-"));
  const other = await TestCoordinator.start();
  const agent = await startTestAgent(other.address, { data: relative(process.cwd(), data) });
  await agent.agent.registered;
  try {
    const text =
      'test -s "$REGULUS_PARAMETERS" && pwd && echo mine > "$REGULUS_CHECKPOINT_DIR/model" && echo "{\\"checkpoint\\": 1}" && echo "{\\"step\\": 1, \\"validLoss\\": 1}"';
    const spec = testSpec({ command: { argv: script(text), directory: "/" } });
    other.lease(testLease(0, { spec, work: { procedure: "command", untilStep: 1, final: true } }));
    const end = await other.finished(0);
    assert.equal(end.reason, EndReason.END_REASON_DONE, end.message);
    assert.equal(other.checkpoints(0)[0]?.step, 1);
  } finally {
    await agent.end();
    other.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test("paused and resumed from its folder, the example measures the same as undisturbed", async () => {
  const parameters = { learningRate: 0.5, l2: 0.01 };
  const whole = coordinator.measurements(0).map(({ step, metrics }) => [step, metrics.validLoss]);
  const lease = give(["python3", example], { work: { parameters, untilStep: 30, final: false } });
  await coordinator.finished(trialOf(lease));
  const saved = coordinator.checkpoints(trialOf(lease)).at(-1);
  assert.equal(saved?.step, 30);
  const again = give(["python3", example], {
    work: { parameters },
    ...(saved ? { resumeFrom: saved.checkpoint, resumeStep: 30 } : {}),
  });
  await coordinator.finished(trialOf(again));
  const resumed = coordinator.measurements(trialOf(again)).map(({ step, metrics }) => [step, metrics.validLoss]);
  assert.deepEqual(resumed, whole.slice(1), "steps 40 and 60, to the last digit");
  assert.match(outputOf(again), /training from step 30 to 60/);
});

test("resumed at its last step, with nothing left to train, the example measures where it stands", async () => {
  const parameters = { learningRate: 0.5, l2: 0.01 };
  const saved = coordinator.checkpoints(1).at(-1) ?? assert.fail("a checkpoint of the trial that paused at step 30");
  const work = { parameters, untilStep: 30, final: true };
  const lease = give(["python3", example], { work, key: { attempt: 2 }, resumeFrom: saved.checkpoint, resumeStep: 30 });
  const end = await coordinator.finished(trialOf(lease), 2);
  const before = coordinator.measurements(1).at(-1);
  assert.deepEqual([end.reason, end.step, end.final?.metrics], [EndReason.END_REASON_DONE, 30, before?.metrics]);
});

test("a checkpoint that is gone or does not unpack is told of before the end, so that the one before counts", async () => {
  const noTar = Buffer.from("not a tar".repeat(200));
  const sha256 = createHash("sha256").update(noTar).digest("hex");
  const gone = { sha256: "cd".repeat(32), size: 3, kind: "checkpoint" };
  coordinator.artifacts.set(sha256, noTar);
  for (const resumeFrom of [gone, { sha256, size: noTar.length, kind: "checkpoint" }]) {
    const lease = give(["python3", example], { resumeFrom, resumeStep: 30 });
    const end = await coordinator.finished(trialOf(lease));
    assert.equal(end.reason, EndReason.END_REASON_LOST, end.message);
    const said = coordinator.reports.filter(({ lease: key }) => key?.trial === trialOf(lease)).map(({ event }) => event);
    assert.deepEqual(
      said.map((event) => event?.$case),
      ["unrestorable", "finished"],
    );
    assert.ok(said[0]?.$case === "unrestorable");
    assert.deepEqual(said[0].value.checkpoint, resumeFrom);
  }
});

test("the environment tells the trial and nothing secret of the agent's", async () => {
  process.env.REGULUS_TEST_SECRET = "hush";
  const lease = give(
    script('env; cat "$REGULUS_PARAMETERS"; echo "{\\"step\\": 1, \\"validLoss\\": $REGULUS_PARAM_hidden_units}"'),
    { work: { parameters: { "hidden.units": 32, activation: "relu" } } },
    { env: { MINE: "yes" } },
  );
  const end = await coordinator.finished(trialOf(lease));
  delete process.env.REGULUS_TEST_SECRET;
  assert.equal(end.reason, EndReason.END_REASON_DONE, end.message);
  assert.equal(end.final?.metrics.validLoss, 32);
  const output = outputOf(lease);
  for (const line of [
    "MINE=yes",
    "REGULUS_PARAM_activation=relu",
    `REGULUS_TRIAL=${trialOf(lease)}`,
    "REGULUS_SEED=7",
    "REGULUS_UNTIL_STEP=60",
  ]) {
    assert.ok(output.includes(`${line}\n`), `${line} in ${output}`);
  }
  assert.ok(!output.includes("hush"));
  assert.match(output, /"hidden.units": 32/);
});

test("a program that fails, cannot start, or measures nothing is the user's to mend, with its last words", async () => {
  const failed = await coordinator.finished(trialOf(give(script("echo no such file >&2; exit 4"))));
  assert.equal(failed.reason, EndReason.END_REASON_USER_ERROR);
  assert.match(failed.message, /ended with code 4; it ran in a scratch folder of the attempt, .*; its last lines:\nno such file/);
  const absent = await coordinator.finished(trialOf(give(["no-such-program"])));
  assert.equal(absent.reason, EndReason.END_REASON_USER_ERROR);
  assert.match(absent.message, /no-such-program could not be started: .*ENOENT/);
  const silent = await coordinator.finished(trialOf(give(script('echo "{\\"step\\": 1, \\"loss\\": 2}"'))));
  assert.equal(silent.reason, EndReason.END_REASON_USER_ERROR);
  assert.match(silent.message, /printed only loss; expected a line with the objective, such as \{"step": 10, "validLoss": 0.5\}/);
  const epochs = give(script("for n in 1 2 3 4; do echo \"{'step': $n, 'validLoss': 2}\"; done"));
  const near = await coordinator.finished(trialOf(epochs));
  assert.match(
    near.message,
    /printed no measurement; .*; 4 lines have a step in braces .*; the first: \{'step': 1, 'validLoss': 2\}/,
  );
  const early = findings(trialOf(epochs)).join();
  assert.match(early, /nothing is measured so far: 3 lines have .*; expected \{"step": 1, "validLoss": 0.5\}/);
});

test("a program ended from outside is lost, not the user's fault", async () => {
  const end = await coordinator.finished(trialOf(give(script("kill -9 $$"))));
  assert.equal(end.reason, EndReason.END_REASON_LOST);
  assert.match(end.message, /ended by SIGKILL/);
  // Its own shell says it with a code.
  const inner = await coordinator.finished(trialOf(give(script("sh -c 'kill -TERM $$'; exit $?"))));
  assert.equal(inner.reason, EndReason.END_REASON_LOST);
  assert.match(inner.message, /ended with code 143/);
});

test("NaN as the objective ends the program and the trial as diverged; a wrong line is a warning", async () => {
  const lease = give(
    script('echo "{\\"step\\": 1, \\"validLoss\\": \\"high\\"}"; echo "{\\"step\\": 2, \\"validLoss\\": NaN}"; sleep 60'),
  );
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_DIVERGED);
  assert.match(findings(trialOf(lease))[0] ?? "", /a metric is left out: metric "validLoss" is "high", expected a number/);
});

test("a program is asked to stop, and killed with all that it started where it will not", async () => {
  const polite = give(
    script('trap "echo bye; exit 0" TERM; echo "{\\"step\\": 3, \\"validLoss\\": 1}"; while :; do sleep 0.05; done'),
  );
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(polite)).length > 0);
  if (polite.key) coordinator.stop(polite.key, EndReason.END_REASON_STOPPED_EARLY, "no longer needed");
  const bye = await coordinator.finished(trialOf(polite));
  assert.deepEqual([bye.reason, bye.message, bye.step], [EndReason.END_REASON_STOPPED_EARLY, "no longer needed", 3]);
  assert.match(outputOf(polite), /bye/);

  const stubborn = give(
    script('trap "" TERM; sleep 300 & echo "{\\"step\\": $!, \\"validLoss\\": 1}"; while :; do sleep 0.05; done'),
    { work: { untilStep: 0 } },
    { stopGraceMs: 300 },
  );
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(stubborn)).length > 0);
  const child = coordinator.measurements(trialOf(stubborn))[0]?.step ?? 0;
  if (stubborn.key) coordinator.stop(stubborn.key, EndReason.END_REASON_PREEMPTED);
  const end = await coordinator.finished(trialOf(stubborn));
  assert.equal(end.reason, EndReason.END_REASON_PREEMPTED);
  assert.match(end.message, /did not end in its grace after SIGTERM and was killed/);
  await gone(child);
});

const lines = (...texts: readonly object[]) => texts.map((one) => `echo '${JSON.stringify(one)}'`).join("; ");

test("lines of one step are one measurement, a lower step is left out with a warning, and a last line may lack the objective", async () => {
  const lease = give(
    script(
      lines(
        { step: 1, trainLoss: 2 },
        { step: 1, validLoss: 3 },
        { step: 2, validLoss: 1 },
        { step: 2, metrics: { trainLoss: 4 } },
        { step: 1, validLoss: 0 },
        { step: 0, validLoss: 0 },
        { step: 3, trainLoss: 5, phase: "end", isLast: true },
      ),
    ),
  );
  const end = await coordinator.finished(trialOf(lease));
  assert.deepEqual([end.reason, end.message, end.step], [EndReason.END_REASON_DONE, "", 3]);
  assert.deepEqual(end.final?.metrics, { trainLoss: 5, isLast: 1 });
  const joined = new Map(coordinator.measurements(trialOf(lease)).map(({ step, metrics }) => [step, metrics]));
  assert.deepEqual(
    [...joined],
    [
      [1, { trainLoss: 2, validLoss: 3 }],
      [2, { validLoss: 1, trainLoss: 4 }],
      [3, { trainLoss: 5, isLast: 1 }],
    ],
  );
  const [lower, text, count] = findings(trialOf(lease));
  assert.match(lower ?? "", /a line is left out: \{"step":1,"validLoss":0\}; expected a step of at least 2/);
  assert.match(text ?? "", /"phase" is "end"/);
  assert.match(count ?? "", /2 lines in all are left out/);
});

/** Counts steps for ever, each with the objective, and does `more` in each. */
const runsOn = (more = "") =>
  script(`n=0; while :; do n=$((n+1)); echo "{\\"step\\": $n, \\"validLoss\\": $n}"; ${more} sleep 0.02; done`);

test("a program that runs past its target is asked to stop, and its measurement there is its end", async () => {
  const last = give(runsOn(), { work: { untilStep: 3, final: true } });
  const end = await coordinator.finished(trialOf(last));
  assert.deepEqual([end.reason, end.step, end.final?.metrics], [EndReason.END_REASON_DONE, 3, { validLoss: 3 }]);
  assert.match(findings(trialOf(last))[0] ?? "", /went on to step 4, though REGULUS_UNTIL_STEP told it to end at step 3/);
  // One that pauses may measure further: that saves it another attempt.
  const pauses = give(runsOn(), { work: { untilStep: 3, final: false } });
  const pause = await coordinator.finished(trialOf(pauses));
  assert.equal(pause.reason, EndReason.END_REASON_DONE);
  assert.ok(pause.step > 3);
  const measured = coordinator.measurements(trialOf(pauses)).map(({ step }) => step);
  assert.deepEqual(measured.slice(0, 4), [1, 2, 3, 4]);
});

test("a program that is known to run past its target, and saves nothing, is stopped there at once and not told of again", async () => {
  const last = { untilStep: 3, final: false };
  const first = give(runsOn(), { work: last });
  await coordinator.finished(trialOf(first));
  const key = { searchId: first.key?.searchId ?? "" };
  // With its grace alone it would run for longer than this test waits.
  const hangs = script(`${lines({ step: 3, validLoss: 1 })}; exec sleep 300`);
  const next = give(hangs, { work: last, key }, { stopGraceMs: 300_000 });
  const end = await coordinator.finished(trialOf(next));
  assert.equal(end.reason, EndReason.END_REASON_DONE);
  assert.deepEqual([findings(trialOf(first)).length, findings(trialOf(next)).length], [1, 0]);
  // One that saves keeps its grace: it may be about to save.
  const saves = give(runsOn('echo x > "$REGULUS_CHECKPOINT_DIR/w"; echo "{\\"checkpoint\\": $n}";'), {
    work: last,
    key,
  });
  const saved = await coordinator.finished(trialOf(saves));
  assert.ok(saved.step > 3, `ended at step ${saved.step}`);
});

test("a program at its target has its grace to save, and is then asked to stop, even where it ignores that", async () => {
  const slow = script(
    `${lines({ step: 60, validLoss: 1 })}; echo kept > "$REGULUS_CHECKPOINT_DIR/weights"; sleep 0.1; ${lines({ checkpoint: 60 })}`,
  );
  const keeps = give(slow, { work: { final: false } });
  const end = await coordinator.finished(trialOf(keeps));
  assert.deepEqual([end.reason, end.step], [EndReason.END_REASON_DONE, 60]);
  assert.deepEqual(
    coordinator.checkpoints(trialOf(keeps)).map(({ step }) => step),
    [60],
  );
  const ignores = script(`trap "" TERM; ${lines({ step: 60, validLoss: 1 })}; while :; do sleep 0.05; done`);
  const hangs = give(ignores, {}, { stopGraceMs: 300 });
  const killed = await coordinator.finished(trialOf(hangs));
  assert.equal(killed.reason, EndReason.END_REASON_DONE);
  assert.match(killed.message, /did not end in its grace after SIGTERM and was killed/);
});

test("a program that has measured at its target and is killed is done", async () => {
  const lease = give(script(`${lines({ step: 60, validLoss: 1 })}; kill -9 $$`));
  const end = await coordinator.finished(trialOf(lease));
  assert.deepEqual([end.reason, end.final?.step], [EndReason.END_REASON_DONE, 60]);
});

test("a program that says nothing is timed out; what it had printed, measured and saved is kept", async () => {
  const saves = `echo kept > "$REGULUS_CHECKPOINT_DIR/weights"; ${lines({ step: 3, validLoss: 1 }, { checkpoint: 3 })}; exec sleep 300`;
  const lease = give(script(saves), {}, { resources: { stepTimeoutMs: 3000 } });
  const end = await coordinator.finished(trialOf(lease));
  assert.deepEqual([end.reason, end.step, end.final?.metrics], [EndReason.END_REASON_TIMED_OUT, 3, { validLoss: 1 }]);
  assert.match(
    end.message,
    /^no sign of life for \w+ after step 3; resources.stepTimeout allows 3s; set resources: \{stepTimeout: 30s\} for/,
  );
  assert.match(outputOf(lease), /^\{"step":3,"validLoss":1\}$/m);
  assert.deepEqual(
    coordinator.checkpoints(trialOf(lease)).map(({ step }) => step),
    [3],
  );
});

test("a program's memory counts its children but not ours; one that takes too much leaves its output", async () => {
  const hungry = "import time; print(1234, flush=True); held = bytearray(120 * 2**20); time.sleep(300)";
  const big = give(["sh", "-c", `python3 -c '${hungry}'; true`], {}, { resources: { memoryBytes: 80 * 2 ** 20 } });
  const end = await coordinator.finished(trialOf(big));
  assert.equal(end.reason, EndReason.END_REASON_OUT_OF_MEMORY, end.message);
  assert.match(end.message, /^it held \d+ MiB of memory at step 0; 80 MiB are allowed/);
  assert.equal(outputOf(big), "1234\n");
});

test("where the trial process ends before it has told of its killed program, the limit is the reason all the same", async () => {
  const says = script('echo "{\\"step\\": $$, \\"validLoss\\": $PPID}"; exec sleep 300');
  const lease = give(says, { work: { untilStep: 0 } }, { resources: { stepTimeoutMs: 3000 } });
  const { step: program, metrics } = await coordinator.until("a measurement", () => coordinator.measurements(trialOf(lease))[0]);
  const trial = metrics.validLoss ?? 0;
  process.kill(trial, "SIGSTOP");
  await coordinator.eventually("the program is killed", () => /\) Z /.test(readFileSync(`/proc/${program}/stat`, "utf8")));
  process.kill(trial, "SIGKILL");
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.reason, EndReason.END_REASON_TIMED_OUT, end.message);
  assert.match(end.message, /^no sign of life/);
  assert.deepEqual(end.artifacts, []);
});

/** Waits until a process is no more; a kill needs a moment to take effect. */
async function gone(pid: number): Promise<void> {
  assert.ok(pid > 1);
  for (let tries = 0; tries < 1200; tries += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`process ${pid} lives on`);
}

test("arguments carry hyperparameters, and one that the trial lacks is left out", async () => {
  const argv = [
    ...script('echo "{\\"step\\": 1, \\"validLoss\\": $1}"; echo "$@"'),
    "sh",
    "${rate}",
    "--m=${momentum}",
    "$${rate}",
  ];
  const lease = give(argv, { work: { parameters: { rate: 0.25 } } });
  const end = await coordinator.finished(trialOf(lease));
  assert.equal(end.final?.metrics.validLoss, 0.25, end.message);
  assert.match(outputOf(lease), /^0\.25 \$\{rate\}$/m);
});

test("a missing directory is named as what is missing, whether or not there is such a program", async () => {
  for (const program of ["python3", "no-such-program"]) {
    const lease = give([program, "train.py"], {}, { directory: "/no/such/dir" });
    const end = await coordinator.finished(trialOf(lease));
    assert.equal(end.reason, EndReason.END_REASON_USER_ERROR);
    assert.match(end.message, /its directory \/no\/such\/dir does not exist on this agent/);
  }
  const lease = give(["sh", "-c", "true"], {}, { directory: example });
  assert.match((await coordinator.finished(trialOf(lease))).message, /train\.py is not a directory/);
});

test("a running program's output is answered in pieces, and asking is no sign of life", async () => {
  const say = 'printf "first\\n"; printf "second\\n" >&2; echo "{\\"step\\": 1, \\"validLoss\\": 1}"; sleep 60';
  const lease = give(script(say), {}, { resources: { stepTimeoutMs: 4000 } });
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(lease)).length > 0);
  assert.ok(lease.key);
  let whole = await coordinator.askOutput(lease.key);
  // Two pipes: what came first on one may be read last.
  while (!/second\n/.test(Buffer.from(whole.data).toString())) whole = await coordinator.askOutput(lease.key);
  assert.equal(whole.found, true);
  assert.match(Buffer.from(whole.data).toString(), /first\n/);
  assert.equal(whole.totalBytes, whole.data.length);
  const part = await coordinator.askOutput(lease.key, 3, 4);
  assert.deepEqual(Buffer.from(part.data), Buffer.from(whole.data).subarray(3, 7));
  let over = false;
  const end = coordinator.finished(trialOf(lease)).finally(() => {
    over = true;
  });
  // Those who follow the output of a program that hangs must not keep it alive.
  while (!over)
    await Promise.race([end, coordinator.askOutput(lease.key).then(() => new Promise((next) => setTimeout(next, 50)))]);
  assert.equal((await end).reason, EndReason.END_REASON_TIMED_OUT);
  assert.equal((await coordinator.askOutput({ ...lease.key, attempt: 2 })).found, false);
});

test("the packing of a program's last checkpoint is a sign of life, and a checkpoint that can't be packed is a warning", async () => {
  const directory = mkdtempSync(join(tmpdir(), "regulus-packing-"));
  const sent: FromTrial[] = [];
  const said = 'echo "{\\"checkpoint\\": 60}"; echo "{\\"step\\": 60, \\"validLoss\\": 1}"';
  const argv = script(
    `cd "$REGULUS_CHECKPOINT_DIR" && truncate -s 20M a && ln a b && ln -s a newest && mkdir ../output.txt; ${said}`,
  );
  const spec = testSpec({ command: { argv } });
  const work = Work.fromPartial({ procedure: "command", untilStep: 60, final: true });
  const rest = { seed: 1, searchId: "s", trial: 0, attempt: 1, checkpoint: "", schedule: "", goesOn: false, overruns: false };
  const outside = {
    stopReason: () => undefined,
    stored: () => true,
    onStored: () => undefined,
    onStop: () => undefined,
    showOutput: () => undefined,
  };
  await runCommand({ ...rest, spec, work, directory, environment: {}, aliveEveryMs: 0 }, outside, (one) => void sent.push(one));
  rmSync(directory, { recursive: true });
  const kinds = sent.map(({ kind }) => kind);
  const signs = kinds.slice(kinds.indexOf("measured"), kinds.indexOf("saved")).filter((kind) => kind === "packing");
  // The file's 20 MiB are read in pieces of a MiB, and read back.
  assert.ok(signs.length > 20, kinds.join(" "));
  const end = sent.at(-1);
  assert.ok(end?.kind === "finished");
  assert.deepEqual([end.reason, end.leaves.map(({ kind }) => kind)], ["done", ["output"]]);
});
