/** Programs of every behaviour, each run by its attempt in this process: what is told of them, in which order, and how they end. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ProgramRun } from "../testing/program-run.js";
import { runCommand } from "./command-attempt.js";
import { archiveDirectory, restoreDirectory } from "./directory-archive.js";
import { freezeFolder } from "./folder-snapshot.js";
import { gone, lines, run, saves, scratch, script, start } from "./testing/started-program.js";

const example = fileURLToPath(new URL("../../../examples/command/train.py", import.meta.url));

/** The same in a file of the step's own: a checkpoint that is written over right after its line is lost. */
const savesApart = (step: number) => `echo ${step} > "$REGULUS_CHECKPOINT_DIR/${step}"; ${lines({ checkpoint: step })}`;

const kindsOf = (one: ProgramRun) => one.sent.map(({ kind }) => kind).filter((kind) => kind !== "alive" && kind !== "packing");

// Its helper left the group, has no mark and no parent, and holds its pipes: they are let go of a while after its end, beside the other tests.
const helper = (name: string) => {
  // The program goes on when its helper has left the group: what is in the group ends with it.
  const left = join(scratch, name);
  return `setsid env -i sh -c ': > ${left}; exec sleep 600' & echo $!; until [ -e ${left} ]; do sleep 0.01; done`;
};

const holding = start(script(`${helper("holding")}; echo '{"step": 60, "validLoss": 1}'`));

const crashing = start(script(`${helper("crashing")}; exit 3`));

test("a program that had failed before it was asked to stop has failed", async () => {
  await crashing.said("program", 1);
  await gone(crashing.all("program")[0]?.group ?? 0);
  // Its pipes are open still, and it has not told of its end.
  crashing.stop("preempted");
  await crashing.over;
  assert.equal(crashing.end.reason, "user-error");
  assert.match(crashing.end.message, /ended with code 3/);
});

test("a program in another folder than a relative one of the agent's finds its parameters and saves where it is told to", async () => {
  const text = `cat "$REGULUS_PARAMETERS" && pwd && ${saves(1)} && ${lines({ step: 1, validLoss: 1 })}`;
  const directory = relative(process.cwd(), join(scratch, "relative"));
  mkdirSync(directory);
  const work = { untilStep: 1, parameters: { "hidden.units": 32, activation: "relu" } };
  const one = await run(script(text), { work, command: { directory: "/" }, begin: { directory } });
  assert.deepEqual([one.end.reason, one.end.message], ["done", ""]);
  assert.match(one.end.printed, /^\{\n {2}"hidden.units": 32,\n {2}"activation": "relu"\n\}\n\/\n/);
  assert.equal(one.all("saved")[0]?.step, 1);
  const own = await run(script(`pwd; ${lines({ step: 60, validLoss: 1 })}`));
  assert.equal(own.end.printed.split("\n")[0], realpathSync(own.begin.directory), "a folder of its own where none is named");
});

test("its group is signalled first, its last save is stored before it ends, and its time continues where it stopped", async () => {
  const before = performance.now();
  const from = join(scratch, "from");
  mkdirSync(from);
  writeFileSync(join(from, "weights"), "30\n");
  const checkpoint = join(scratch, "before.tar");
  const header = { step: 30, seconds: 1000, procedure: "command" };
  await archiveDirectory(await freezeFolder(from, `${from}-frozen`, { without: ".regulus" }), checkpoint, header);
  const text = `cat "$REGULUS_CHECKPOINT_DIR/weights"; ${lines({ step: 29, validLoss: 9 }, { step: 40, validLoss: 4 })}; ${saves(40)}`;
  const one = await run(script(text), { begin: { checkpoint } });
  const { end } = one;
  assert.match(end.printed, /^30\n\{/);
  assert.deepEqual(kindsOf(one), ["program", "found", "found", "measured", "saved", "finished"]);
  assert.throws(() => process.kill(-(one.all("program")[0]?.group ?? 0), 0), { code: "ESRCH" });
  assert.deepEqual([end.step, end.final?.metrics], [40, { validLoss: 4 }]);
  const [anew = "", lower = ""] = one.findings;
  assert.match(anew, /it should continue from step 30, but measured step 29: it did not load/);
  assert.match(lower, /expected a step of at least 30/);
  const [saved] = one.all("saved");
  const stored = await restoreDirectory(saved?.path ?? "", join(scratch, "stored"));
  assert.equal(readFileSync(join(scratch, "stored", "weights"), "utf8"), "40\n");
  const spent = (performance.now() - before) / 1000;
  for (const seconds of [end.final?.seconds ?? 0, stored.seconds])
    assert.ok(seconds > 1000 && seconds < 1000 + spent, `${seconds}`);
  assert.deepEqual([stored.step, stored.procedure], [40, "command"]);
});

test("a program is not begun where its attempt was asked to stop before, which the end says", async () => {
  const begun = join(scratch, "begun");
  const one = start(["touch", begun]);
  // The folders of the attempt are still being made.
  one.stop("preempted");
  await one.over;
  assert.deepEqual([one.end.reason, one.end.message], ["preempted", "its program had not started"]);
  assert.deepEqual([kindsOf(one), existsSync(begun)], [["finished"], false]);
});

test("a checkpoint of another procedure, or one that does not unpack, starts no program; the damaged one is reported", async () => {
  const checkpoint = join(scratch, "none.tar");
  writeFileSync(checkpoint, "not a tar".repeat(200));
  const damaged = start(script("true"), { begin: { checkpoint } });
  await assert.rejects(damaged.over, { code: "data-loss" });
  assert.deepEqual(kindsOf(damaged), ["unrestorable"]);
  const other = join(scratch, "other");
  mkdirSync(other);
  writeFileSync(join(other, "x"), "");
  const frozen = await freezeFolder(other, `${other}-frozen`, { without: ".regulus" });
  await archiveDirectory(frozen, join(scratch, "other.tar"), { step: 1, seconds: 1, procedure: "fit" });
  const foreign = start(script("true"), { begin: { checkpoint: join(scratch, "other.tar") } });
  await assert.rejects(foreign.over, /fit/);
  assert.deepEqual(kindsOf(foreign), []);
  const none = new ProgramRun(scratch, {});
  await assert.rejects(runCommand(none.begin, none.outside, none.send), { code: "invalid-argument" });
});

test("resumed at its last step, with nothing left to train, the example measures where it stands", async () => {
  const parameters = { learningRate: 0.5, l2: 0.01 };
  const first = await run(["python3", example], { work: { untilStep: 30, parameters } });
  const checkpoint = first.all("saved").at(-1)?.path ?? "";
  const again = await run(["python3", example], { work: { untilStep: 30, parameters }, begin: { attempt: 2, checkpoint } });
  const { reason, step, final } = again.end;
  assert.deepEqual([reason, step, final?.metrics], ["done", 30, first.end.final?.metrics]);
});

test("a program that fails, cannot start, or measures nothing is the user's to mend, with its last words", async () => {
  const failed = (await run(script("echo no such file >&2; exit 4"))).end;
  assert.equal(failed.reason, "user-error");
  assert.match(failed.message, /ended with code 4; it ran in a scratch folder of the attempt, .*; its last lines:\nno such file/);
  const absent = (await run(["no-such-program"])).end;
  assert.equal(absent.reason, "user-error");
  assert.match(absent.message, /no-such-program could not be started: .*ENOENT; expected a program on this agent's PATH/);
  const silent = (await run(script(lines({ step: 1, loss: 2 })))).end;
  assert.equal(silent.reason, "user-error");
  assert.match(silent.message, /printed only loss; expected a line with the objective, such as \{"step": 10, "validLoss": 0.5\}/);
  const rung = await run(script("echo no evaluation yet"), { work: { untilStep: 2, final: false } });
  assert.match(
    rung.end.message,
    /printed no measurement; .*; it was asked to stop at step 2 \(REGULUS_UNTIL_STEP\): .* \(minSteps of asha\); its last/,
  );
  const epochs = await run(script("for n in 1 2 3 4; do echo \"{'step': $n, 'validLoss': 2}\"; done"));
  assert.match(
    epochs.end.message,
    /printed no measurement; .*; 4 lines have a step in braces .*; the first: \{'step': 1, 'validLoss': 2\}/,
  );
  assert.match(epochs.findings.join(), /nothing is measured so far: 3 lines have .*; expected \{"step": 1, "validLoss": 0.5\}/);
  assert.equal(
    (await run(script("true"), { begin: { attempt: 2 } })).end.reason,
    "done",
    "an attempt before it may have measured",
  );
  const wrong = await run(script(lines({ step: -1, validLoss: 1 })));
  assert.match(wrong.end.message, /a line was left out: "step" is -1/);
});

test("a program that can't be started fails by what is missing: the folder, whether or not there is such a program, or the right to run it", async () => {
  for (const program of ["python3", "no-such-program"]) {
    const { reason, message } = (await run([program, "train.py"], { command: { directory: "/no/such/dir" } })).end;
    assert.equal(reason, "user-error");
    assert.match(message, /its directory \/no\/such\/dir does not exist on this agent/);
  }
  assert.match((await run(script("true"), { command: { directory: example } })).end.message, /train\.py is not a directory/);
  const from = relative(process.cwd(), scratch);
  const away = (await run(script("true"), { command: { directory: `${from}/away` } })).end.message;
  assert.ok(away.includes(`${from}/away (${scratch}/away, seen from where the agent was started) does not exist`), away);
  const file = join(scratch, "plain");
  writeFileSync(file, "", { mode: 0o600 });
  assert.match((await run([file])).end.message, /expected a file that this agent's user may execute/);
  const missed = await run(script("echo no such file; exit 1"), { command: { directory: from } });
  assert.ok(missed.end.message.includes(`it ran in ${scratch}, where command.directory`), missed.end.message);
});

test("a program ended from outside is lost, by its own end or by what a shell says of it", async () => {
  const own = (await run(script("kill -TERM $$"))).end;
  assert.deepEqual([own.reason, own.message], ["lost", "the program was ended by SIGTERM; it printed nothing"]);
  const inner = (await run(script("sh -c 'kill -KILL $$'; exit $?"))).end;
  assert.equal(inner.reason, "lost");
  assert.match(inner.message, /ended with code 137/);
});

test("NaN as the objective ends the program and the trial as diverged; a text is a warning", async () => {
  const one = await run(script(`${lines({ step: 1, validLoss: "high" })}; echo '{"step": 2, "validLoss": NaN}'; exec sleep 300`));
  const { reason, message, step } = one.end;
  assert.deepEqual([reason, step], ["diverged", 2]);
  assert.match(message, /validLoss is NaN at step 2/);
  assert.match(one.findings[0] ?? "", /a metric is left out: metric "validLoss" is "high", expected a number/);
});

test("a program's end is its end, whoever holds its pipes open", async () => {
  await Promise.all([holding.over, crashing.over]);
  assert.deepEqual([holding.end.reason, holding.end.step], ["done", 60]);
  for (const { printed } of [holding.end, crashing.end]) process.kill(Number(printed.split("\n")[0]), "SIGKILL");
});

test("while the store lacks one checkpoint the next one waits, and is sent when it is stored, though the program says nothing more", async () => {
  const gate = join(scratch, "gate");
  const one = start(
    script(`${savesApart(1)}; ${savesApart(2)}; until [ -e ${gate} ]; do sleep 0.01; done; ${lines({ step: 60, validLoss: 1 })}`),
    {
      spec: { reporting: { checkpointEveryMs: 1 } },
    },
  );
  one.outside.stored = () => one.isStored && one.all("saved").length === 0;
  await one.said("saved", 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(one.all("saved").length, 1);
  one.outside.stored = () => true;
  one.store();
  await one.said("saved", 2);
  writeFileSync(gate, "");
  await one.over;
  assert.deepEqual(
    one.all("saved").map(({ step }) => step),
    [1, 2],
  );
});

test("arguments carry hyperparameters, and one that the trial lacks is left out", async () => {
  const argv = [
    ...script('echo "{\\"step\\": 1, \\"validLoss\\": $1}"; echo "$@"'),
    "sh",
    "${rate}",
    "--m=${momentum}",
    "$${rate}",
  ];
  const { final, printed } = (await run(argv, { work: { parameters: { rate: 0.25 } } })).end;
  assert.equal(final?.metrics.validLoss, 0.25);
  assert.match(printed, /^0\.25 \$\{rate\}$/m);
});

test("a last line without an end is a line", async () => {
  const { reason, step } = (await run(["printf", '{"step": 9, "validLoss": 1}'])).end;
  assert.deepEqual([reason, step], ["done", 9]);
});

test("whatever a program prints is a sign of life, on either pipe, no more often than is asked for", async () => {
  const text = `${lines({ step: 4, validLoss: 1 })}; echo loading >&2; echo more`;
  const often = await run(script(text));
  const steps = often.all("alive").map(({ step }) => step);
  assert.ok(steps.length > 0 && steps.at(-1) === 4, steps.join());
  const stderr = await run(script(`echo loading >&2; ${lines({ step: 4, validLoss: 1 })}`), { begin: { attempt: 2 } });
  assert.ok(stderr.all("alive").length > 0);
  const rarely = await run(script(text), { begin: { aliveEveryMs: 1e9 } });
  assert.deepEqual(rarely.all("alive"), []);
});

test("the packing of a program's last checkpoint is a sign of life, and what can't be packed as it was is a warning", async () => {
  const text = `cd "$REGULUS_CHECKPOINT_DIR" && truncate -s 20M a && ln a b && ln -s a newest && mkdir ../output.txt; ${lines({ checkpoint: 60 }, { step: 60, validLoss: 1 })}`;
  const one = await run(script(text));
  const kinds = one.sent.map(({ kind }) => kind);
  const signs = kinds.slice(kinds.indexOf("measured"), kinds.indexOf("saved")).filter((kind) => kind === "packing");
  // The file's 20 MiB are read in pieces of a MiB, and read back.
  assert.ok(signs.length > 20, kinds.join(" "));
  assert.deepEqual([one.end.reason, one.end.leaves.map(({ kind }) => kind)], ["done", ["output"]]);
  assert.ok(statSync(one.end.leaves[0]?.path ?? "").isFile());
});
