/**
 * Attempts whose samples a program answers for, on a real agent. The test program solves min over x of (x - b)^2 / 2 + e^theta x^2 / 2, whose
 * minimizer b / (1 + e^theta) is known, by gradient descent from its state; the upper loss is (x - 1)^2 / 2.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeAnswer, reduceAnswers } from "@regulus/algorithms/solvers";
import { type ArtifactRef, EndReason, type Finished, fromVectors, type Lease, toVectors } from "@regulus/proto";
import { startTestPair, testLease, testSpec } from "../testing/test-agent.js";

/** `more` runs at every question, with `ask` and `said` at hand. */
const program = (more = "") => `
const lines = require("node:readline").createInterface({ input: process.stdin });
let earlier;
process.stderr.write("started with seed " + process.env.REGULUS_SEED + "\\n");
lines.on("line", (line) => {
  const ask = JSON.parse(line);
  let said = { samples: 4, theta: [0.5] };
  if (ask.ask === "sample") {
    const [theta] = ask.theta, mu = 1 + Math.exp(theta), b = 2 + ask.sample;
    let x = ask.state === null ? 0 : ask.state[0], iterations = 0;
    while (Math.abs(mu * x - b) > mu * ask.accuracy) { x -= (mu * x - b) / (2 * mu); iterations += 1; }
    said = { sample: ask.sample, value: (x - 1) ** 2 / 2, gradientNorm: Math.abs(x - 1), accuracy: Math.abs(x - b / mu),
      smoothness: 1, convex: true, iterations, state: [x], metrics: { pid: process.pid } };
    if (ask.residual !== null) Object.assign(said, { residual: 0, hypergradient: [-Math.exp(theta) * x * (x - 1) / mu] });
  }
  ${more}
  if (said !== undefined) console.log(JSON.stringify(said));
});`;

const { coordinator, tested, end } = await startTestPair();
after(end);

interface Asked {
  readonly text?: string;
  readonly argv?: string[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly theta?: number;
  readonly untilStep?: number;
  readonly from?: { readonly checkpoint: ArtifactRef; readonly step: number };
  /** The trial's attempt before this one. */
  readonly after?: Lease;
  readonly stepTimeoutMs?: number;
  readonly stopGraceMs?: number;
}

let next = 0;
function give({
  text = program(),
  argv,
  options = {},
  theta = 0.2,
  untilStep = 4,
  from,
  after: before,
  stepTimeoutMs = 0,
  stopGraceMs = 2000,
}: Asked): Lease {
  const trial = next;
  next += 1;
  const command = { argv: argv ?? [process.execPath, "-e", text], stopGraceMs };
  const lease = testLease(trial, {
    spec: testSpec({ command, objectives: [{ metric: "upperLoss" }], seed: 11, resources: { stepTimeoutMs } }),
    key: before === undefined ? { searchId: `search-${trial}` } : { ...before.key, attempt: 2 },
    work: { procedure: "respond", options, vectors: toVectors({ theta: [theta] }), untilStep, final: false },
    ...(from === undefined ? {} : { resumeFrom: from.checkpoint, resumeStep: from.step }),
  });
  coordinator.lease(lease);
  return lease;
}

const trialOf = (lease: Lease): number => lease.key?.trial ?? -1;
const finish = (lease: Lease): Promise<Finished> => coordinator.finished(trialOf(lease), lease.key?.attempt);

async function answerTo(lease: Lease) {
  const end = await finish(lease);
  assert.equal(end.reason, EndReason.END_REASON_DONE, end.message);
  const { metrics = {}, vectors = {} } = end.final ?? {};
  const answer = decodeAnswer({ metrics, vectors: fromVectors(vectors) });
  assert.ok(answer !== undefined && typeof answer !== "string", String(answer));
  return answer;
}

type Answer = Awaited<ReturnType<typeof answerTo>>;
const pidOf = ({ answers }: Answer) => answers[0]?.metrics?.pid;
const bitsOf = ({ answers, nodes }: Answer) => ({ nodes, answers: answers.map((one) => ({ ...one, metrics: {} })) });

test("a program says what there is, and answers with the truth to the accuracy that it certifies", async () => {
  const described = await finish(give({ options: { describe: true }, untilStep: 1 }));
  assert.deepEqual([described.final?.metrics.samples, described.final?.vectors.theta?.values], [4, [0.5]]);
  const { answers, nodes } = await answerTo(give({ options: { question: 0, accuracy: 1e-9, residual: 1e-9 } }));
  const reduced = reduceAnswers(answers, nodes);
  const loss = (theta: number) => [2, 3, 4, 5].reduce((sum, b) => sum + (b / (1 + Math.exp(theta)) - 1) ** 2 / 2, 0) / 4;
  assert.ok(reduced.lowerBound <= loss(0.2) && loss(0.2) <= reduced.upperBound);
  // Central differences of a smooth function: off by about 1e-10; solves by 1e-9.
  const slope = (loss(0.2 + 1e-5) - loss(0.2 - 1e-5)) / 2e-5;
  assert.ok(Math.abs((reduced.hypergradient?.[0] ?? Number.NaN) - slope) < 1e-7, `${reduced.hypergradient} against ${slope}`);
});

test("going on from a checkpoint, on whatever process, gives the same bits as going on", async () => {
  const first = give({ options: { question: 0, accuracy: 0.1 } });
  const process = pidOf(await answerTo(first));
  const saved = coordinator.checkpoints(trialOf(first)).at(-1) ?? assert.fail("a checkpoint");
  const second = { options: { question: 1, startFrom: 0, accuracy: 1e-4 }, theta: 0.3, untilStep: 8, from: saved };
  const waiting = await answerTo(give({ ...second, after: first }));
  const elsewhere = await answerTo(give(second));
  assert.equal(pidOf(waiting), process, "the trial's program waits for its next round");
  assert.notEqual(pidOf(elsewhere), process, "another trial's is another one");
  assert.deepEqual(bitsOf(elsewhere), bitsOf(waiting));
  const cold = await answerTo(give({ options: { question: 1, accuracy: 1e-4 }, theta: 0.3 }));
  assert.notDeepEqual(bitsOf(cold).answers, bitsOf(waiting).answers, "without a state it begins elsewhere");
});

const failures: readonly (readonly [string, Asked, EndReason, RegExp])[] = [
  [
    "says something else",
    { text: program('if (ask.sample === 1) console.log("epoch 1");') },
    EndReason.END_REASON_USER_ERROR,
    /answered "epoch 1" to sample 1: expected one JSON object/,
  ],
  [
    "answers for another sample",
    { text: program("if (ask.sample === 2) said.sample = 0;") },
    EndReason.END_REASON_USER_ERROR,
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
    EndReason.END_REASON_USER_ERROR,
    /though nothing was asked, expected one line for each question/,
  ],
  [
    "answers a question again when the next one is asked",
    { text: program("if (ask.sample === 1) earlier = JSON.stringify(said); if (ask.sample === 3) console.log(earlier);") },
    EndReason.END_REASON_USER_ERROR,
    /"sample" is 1, expected 3/,
  ],
  [
    "dies",
    { text: program("if (ask.sample === 2) { console.error('no mesh'); process.exit(3); }") },
    EndReason.END_REASON_USER_ERROR,
    /ended with code 3 before its input did; its last lines:\nstarted with seed 11\nno mesh/,
  ],
  [
    "is killed from outside",
    { text: program('if (ask.sample === 2) process.kill(process.pid, "SIGKILL");') },
    EndReason.END_REASON_LOST,
    /was ended by SIGKILL/,
  ],
  [
    "is not there",
    { argv: ["no-such-program"] },
    EndReason.END_REASON_USER_ERROR,
    /no-such-program could not be started: .*ENOENT/,
  ],
  [
    "hangs",
    { text: program("if (ask.sample === 1) said = undefined;"), stepTimeoutMs: 1000 },
    EndReason.END_REASON_TIMED_OUT,
    /no sign of life.*resources.stepTimeout allows 1s;/,
  ],
];
for (const [what, asked, reason, words] of failures) {
  test(`a program that ${what} ends the trial in words`, async () => {
    const end = await finish(give({ options: { question: 0, accuracy: 0.1 }, ...asked }));
    assert.equal(end.reason, reason, end.message);
    assert.match(end.message, words);
  });
}

test("a trial that is to make room saves the samples that it has, and the program is asked to end", async () => {
  const reached = join(tested.data, "reached-third-sample");
  const told = join(tested.data, "asked-to-end");
  // The interval keeps it from ending by itself at the end of its input.
  // Three samples are dealt as 0, 2, 1.
  const slow = `setInterval(() => undefined, 1000); if (ask.sample === 1) { said = undefined; require("node:fs").writeFileSync(${JSON.stringify(reached)}, ""); }
    process.on("SIGTERM", () => { require("node:fs").writeFileSync(${JSON.stringify(told)}, ""); process.exit(0); });`;
  // Half of the grace passes before it is asked; the other half is for a machine that is busy.
  const lease = give({ text: program(slow), options: { question: 0, accuracy: 0.1 }, stopGraceMs: 6000 });
  await coordinator.eventually("the third sample", () => existsSync(reached));
  assert.ok(lease.key !== undefined);
  coordinator.stop(lease.key, EndReason.END_REASON_PREEMPTED, "room is needed");
  const end = await finish(lease);
  assert.deepEqual([end.reason, end.step], [EndReason.END_REASON_PREEMPTED, 2]);
  assert.ok(existsSync(told), "it heard SIGTERM");
  const saved = coordinator.checkpoints(trialOf(lease)).at(-1);
  assert.equal(saved?.step, 2);
  const rest = await answerTo(give({ options: { question: 0, accuracy: 0.1 }, from: saved ?? assert.fail("a checkpoint") }));
  const whole = await answerTo(give({ options: { question: 0, accuracy: 0.1 } }));
  assert.deepEqual(bitsOf(rest), bitsOf(whole));
});

test("a program that will not end is killed after its grace, and the trial ends as it was to", async () => {
  const reached = join(tested.data, "deaf");
  const deaf = `said = undefined; process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1000);
    require("node:fs").writeFileSync(${JSON.stringify(reached)}, String(process.pid));`;
  const lease = give({ text: program(deaf), options: { question: 0, accuracy: 0.1 } });
  await coordinator.eventually("a program that hears nothing", () => existsSync(reached) && readFileSync(reached, "utf8") !== "");
  assert.ok(lease.key !== undefined);
  coordinator.stop(lease.key, EndReason.END_REASON_STOPPED_EARLY, "enough");
  const end = await finish(lease);
  assert.deepEqual([end.reason, end.message], [EndReason.END_REASON_STOPPED_EARLY, "enough"]);
  const pid = Number(readFileSync(reached, "utf8"));
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});
