/**
 * Programs that answer for samples, each run by its attempt in this process: how they fail, stop, begin anew and wait. That their answers are true is
 * in respond-attempt.test.ts.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeAnswer } from "@regulus/algorithms/solvers";
import { fromVectors, toVectors } from "@regulus/proto";
import { signalGroup } from "../attempts/process-group.js";
import { ProgramRun, type Said } from "../testing/program-run.js";
import type { Held } from "../trial/held-session.js";
import { RespondAttempts } from "./respond-attempt.js";

const scratch = ProgramRun.scratch();
/** Ends what a test leaves open. */
const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
  if (existsSync(join(scratch, "helper"))) process.kill(Number(readFileSync(join(scratch, "helper"), "utf8")), "SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});

/** Answers that it found everything at once; `more` runs at every question, with `ask` and `said` at hand. */
const program = (more = "") => `
const { writeFileSync, existsSync } = require("node:fs");
const lines = require("node:readline").createInterface({ input: process.stdin });
let earlier;
process.stderr.write("started with seed " + process.env.REGULUS_SEED + "\\n");
lines.on("line", (line) => {
  const ask = JSON.parse(line);
  let said = ask.ask === "hello" ? { samples: 4, theta: [0.5] } : { sample: ask.sample, value: ask.sample, gradientNorm: 0, accuracy: 0,
    smoothness: 1, convex: true, state: [(ask.state ?? [0])[0] + 1], metrics: { pid: process.pid } };
  ${more}
  if (said !== undefined) console.log(JSON.stringify(said));
});`;

interface Asked {
  readonly text?: string;
  readonly argv?: string[];
  readonly stopGraceMs?: number;
  readonly directory?: string;
  /** The trial's attempts before, with what they hold, and where they stand. */
  readonly after?: { readonly attempts: RespondAttempts; readonly held: Held | undefined; readonly step: number };
  readonly question?: number;
  readonly startFrom?: number;
  readonly checkpoint?: string;
}

function start({
  text = program(),
  argv,
  directory = "",
  stopGraceMs = 2000,
  after: before,
  question = 0,
  startFrom,
  checkpoint = "",
}: Asked = {}) {
  const options = { question, accuracy: 0.1, ...(startFrom === undefined ? {} : { startFrom }) };
  const one = new ProgramRun(scratch, {
    command: { argv: argv ?? [process.execPath, "-e", text], stopGraceMs, directory },
    spec: { objectives: [{ metric: "upperLoss" }], seed: 11 },
    work: {
      procedure: "respond",
      options,
      vectors: toVectors({ theta: [0.2] }),
      untilStep: (before?.step ?? 0) + 4,
      final: false,
      parameters: { size: 3 },
    },
    begin: { aliveEveryMs: 1e9, checkpoint },
  });
  const attempts = before?.attempts ?? new RespondAttempts();
  const over = attempts.work(one.begin, one.outside, one.send, before?.held).then((held) => {
    if (held !== undefined) closing.push(() => held.session.close());
    return held;
  });
  closing.push(() => {
    for (const { group } of one.all("program")) signalGroup(group, "SIGKILL");
  });
  return Object.assign(one, { over, attempts });
}

function answersOf({ final }: Said<"finished">) {
  const answer = decodeAnswer({ metrics: final?.metrics ?? {}, vectors: fromVectors(final?.vectors ?? {}) });
  assert.ok(answer !== undefined && typeof answer !== "string", String(answer));
  return answer.answers;
}

const isThere = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};

async function until(holds: () => boolean): Promise<void> {
  const beganMs = performance.now();
  while (!holds()) {
    assert.ok(performance.now() < beganMs + 60_000, `waited a minute for: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const file = (name: string) => JSON.stringify(join(scratch, name));

/** It hears SIGTERM, says so in a file, and ends; the interval keeps it from ending by itself at the end of its input. */
const polite = (name: string) =>
  `setInterval(() => undefined, 1000); process.on("SIGTERM", () => { writeFileSync(${file(name)}, ""); process.exit(0); });`;
// Half of its grace passes before it is asked to end: it waits beside the other tests. Three samples are dealt as 0, 2, 1.
const roomy = start({
  text: program(`${polite("asked")} if (ask.sample === 1) { said = undefined; writeFileSync(${file("third")}, ""); }`),
  stopGraceMs: 6000,
});
const stopping = until(() => existsSync(join(scratch, "third"))).then(() => roomy.stop("preempted"));

const failures: readonly (readonly [string, Asked, reason: string, RegExp])[] = [
  [
    "says something else",
    { text: program('if (ask.sample === 1) console.log("epoch 1");') },
    "user-error",
    /answered "epoch 1" to sample 1: expected one JSON object/,
  ],
  [
    "answers for another sample",
    { text: program("if (ask.sample === 2) said.sample = 0;") },
    "user-error",
    /"sample" is 0, expected 2/,
  ],
  // The second line comes with the first, or with the answer to the next question: samples are dealt as 0, 2, 1, 3.
  [
    "answers twice at once",
    {
      text: program(
        `if (ask.sample === 1) { const twice = JSON.stringify(said); said = undefined; process.stdout.write(twice + "\\n" + twice + "\\n"); }`,
      ),
    },
    "user-error",
    /though nothing was asked, expected one line for each question/,
  ],
  [
    "answers a question again when the next one is asked",
    { text: program("if (ask.sample === 1) earlier = JSON.stringify(said); if (ask.sample === 3) console.log(earlier);") },
    "user-error",
    /"sample" is 1, expected 3/,
  ],
  [
    "answers more than it may",
    { text: program('if (ask.sample === 1) said.more = "x".repeat(65 * 2 ** 20);') },
    "user-error",
    /answer is longer than 67108864 bytes/,
  ],
  [
    "dies",
    { text: program("if (ask.sample === 2) { console.error('no mesh'); process.exit(3); }") },
    "user-error",
    /ended with code 3 before its input did; its last lines:\nstarted with seed 11\nno mesh/,
  ],
  ["dies of a signal of its own", { text: program("if (ask.sample === 2) process.abort();") }, "user-error", /ended by SIGABRT/],
  [
    "is killed from outside",
    { text: program('if (ask.sample === 2) process.kill(process.pid, "SIGKILL");') },
    "lost",
    /was ended by SIGKILL/,
  ],
  [
    "dies while its helper holds its pipes",
    {
      text: program(`if (ask.sample === 2) {
        const { pid } = require("node:child_process").spawn("sleep", ["600"], { detached: true, stdio: "inherit", env: {} });
        writeFileSync(${file("helper")}, String(pid)); process.exit(3); }`),
    },
    "user-error",
    /ended with code 3 before its input did/,
  ],
  ["is not there", { argv: ["no-such-program"] }, "user-error", /no-such-program could not be started: .*ENOENT/],
  ["knows no samples", { text: program("said.samples = 0;") }, "user-error", /hello: "samples" is 0/],
];
for (const [what, asked, reason, words] of failures) {
  test(`a program that ${what} ends the trial with a message, and is gone`, async () => {
    const one = start(asked);
    assert.equal(await one.over, undefined, "nothing stays");
    assert.equal(one.end.reason, reason, one.end.message);
    assert.match(one.end.message, words);
    for (const { group } of one.all("program")) assert.equal(isThere(group), false);
    if (asked.argv === undefined) assert.match(one.end.printed, /^started with seed 11\n/);
  });
}

test("a program gets its trial; blank lines are no answers, and what it prints for people is kept", async () => {
  const text = program(
    'process.stdout.write("\\n \\n"); if (ask.ask === "hello") process.stderr.write(line + process.argv[1] + process.cwd());',
  );
  const one = start({ argv: [process.execPath, "-e", text, "${size}"], directory: scratch });
  await one.over;
  assert.equal(one.end.reason, "done", one.end.message);
  const hello = JSON.stringify({ ask: "hello", protocol: 1, seed: 11, parameters: { size: 3 } });
  assert.equal(one.output?.contents().toString(), `started with seed 11\n${hello}3${scratch}`);
});

test("while its trial waits for its next round, so does its program, and its states; a new session begins a new program", async () => {
  const one = start();
  const held = await one.over;
  assert.ok(held !== undefined);
  assert.deepEqual([one.end.stays !== undefined, one.end.leaves], [true, []], "its output is told when it has ended");
  const [{ group } = { group: 0 }] = one.all("program");
  assert.equal(isThere(group), true);
  const two = start({ after: { attempts: one.attempts, held, step: 4 }, question: 1, startFrom: 0 });
  const again = await two.over;
  assert.deepEqual(two.all("program"), []);
  assert.deepEqual(
    answersOf(two.end).map(({ metrics }) => metrics?.pid),
    new Array(4).fill(group),
  );
  again?.session.close();
  await until(() => !isThere(group));
});

test("a trial that is to make room saves the samples that it has, and the program is asked to end; another one continues from there", async () => {
  await stopping;
  const held = await roomy.over;
  const { reason, step } = roomy.end;
  assert.deepEqual([reason, step, roomy.all("saved").at(-1)?.step], ["preempted", 2, 2]);
  assert.ok(existsSync(join(scratch, "asked")), "it heard SIGTERM");
  const [{ group } = { group: 0 }] = roomy.all("program");
  assert.equal(isThere(group), false);
  const elsewhere = start({ checkpoint: roomy.all("saved").at(-1)?.path ?? "" });
  await elsewhere.over;
  assert.equal(elsewhere.end.step, 4);
  // Its own process holds the session, and begins the program anew.
  rmSync(join(scratch, "third"));
  const here = start({ after: { attempts: roomy.attempts, held, step: 0 } });
  await until(() => existsSync(join(scratch, "third")));
  here.stop("stopped-early");
  await here.over;
  assert.deepEqual([here.end.reason, roomy.all("program").length], ["stopped-early", 2]);
});

test("an answer that comes within half of the grace counts, and no further question is asked", async () => {
  mkdirSync(join(scratch, "gate"), { recursive: true });
  const waits = `if (ask.sample === 2) { writeFileSync(${file("second")}, ""); const held = said; said = undefined;
    const timer = setInterval(() => { if (existsSync(${file("gate/open")})) { clearInterval(timer); console.log(JSON.stringify(held)); } }, 5); }`;
  const one = start({ text: program(waits), stopGraceMs: 600_000 });
  await until(() => existsSync(join(scratch, "second")));
  one.stop("preempted");
  writeFileSync(join(scratch, "gate", "open"), "");
  await one.over;
  assert.deepEqual([one.end.reason, one.end.step, one.all("saved").at(-1)?.step], ["preempted", 2, 2]);
});

test("a program that will not end is killed after its grace, and the trial ends as it was to", async () => {
  const deaf = `said = undefined; process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000);
    writeFileSync(${file("deaf")}, "");`;
  const one = start({ text: program(`if (ask.ask === "sample") { ${deaf} }`), stopGraceMs: 300 });
  await until(() => existsSync(join(scratch, "deaf")));
  one.stop("stopped-early");
  await one.over;
  assert.deepEqual([one.end.reason, one.end.message], ["stopped-early", ""]);
  assert.equal(isThere(one.all("program")[0]?.group ?? 0), false);
});

test("a stop before the program has said what it is ends the attempt as asked, with nothing saved", async () => {
  const one = start({ text: program(`said = undefined; writeFileSync(${file("silent")}, "");`), stopGraceMs: 300 });
  await until(() => existsSync(join(scratch, "silent")));
  one.stop("preempted");
  await one.over;
  assert.deepEqual([one.end.reason, one.end.message, one.end.step, one.all("saved")], ["preempted", "", 0, []]);
});
