/**
 * Attempts whose samples a program answers for, on a real agent; what programs may do wrong is in respond-run.test.ts. The test program solves min over x of (x - b)^2 / 2 + e^theta x^2 / 2, whose
 * minimizer b / (1 + e^theta) is known, by gradient descent from its state; the upper loss is (x - 1)^2 / 2.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decodeAnswer, reduceAnswers } from "@regulus/algorithms/solvers";
import { type ArtifactRef, EndReason, type Finished, fromVectors, type Lease, toVectors } from "@regulus/proto";
import { startTestPair, testLease, testSpec } from "../testing/test-agent.js";

const program = `
const lines = require("node:readline").createInterface({ input: process.stdin });
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
  console.log(JSON.stringify(said));
});`;

const { coordinator, end } = await startTestPair();
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
  text = program,
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
