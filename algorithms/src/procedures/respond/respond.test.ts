/** Answers of shards against whole ones, of interrupted sessions against undisturbed ones, and losses against the closed form. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromVectors, SearchSpec, toVectors, Work } from "@regulus/proto";
import { dealtOrder } from "../../solvers/dealt-samples.js";
import { reduceAnswers } from "../../solvers/respond.js";
import { decodeAnswer, questionOptions, type ShardAnswer, type ShardQuestion } from "../../solvers/respond-messages.js";
import type { Session } from "../../training/contracts/procedure.js";
import { drawSample } from "../../workloads/quadratic-samples/quadratic-samples.js";
import { spec as workloadSpec } from "../../workloads/quadratic-samples/spec.js";
import { module } from "./respond.js";

const samples = 7;
const seed = 3;
const search = SearchSpec.fromPartial({
  name: "respond",
  workload: { name: "quadratic-samples", options: { samples } },
  seed,
});
const theta = [0.4, -0.2, 0.1, 0.3];

interface Shard {
  readonly shard: number;
  readonly shards: number;
}
const whole: Shard = { shard: 0, shards: 1 };

function ask(id: number, startFrom: number | null, more: Partial<ShardQuestion["question"]> = {}): ShardQuestion {
  return { id, startFrom, question: { theta, accuracy: 1e-3, gradient: { residual: 1e-3 }, ...more } };
}

function workOf(question: ShardQuestion, shard: Shard, untilStep: number): Work {
  const options = { ...shard, ...questionOptions(question) };
  return Work.fromPartial({ procedure: "respond", options, vectors: toVectors({ theta: question.question.theta }), untilStep });
}

async function open(work: Work, checkpoint?: Uint8Array): Promise<Session> {
  const request = { spec: search, work, seed: 1, found: () => undefined };
  return module.open(checkpoint === undefined ? request : { ...request, checkpoint });
}

async function finish(session: Session, untilStep: number): Promise<ShardAnswer> {
  while (session.stepsDone < untilStep && !session.ended) await session.step();
  const { metrics, vectors } = await session.measure();
  const answer = decodeAnswer({ metrics, vectors: fromVectors(vectors) });
  assert.ok(answer !== undefined && typeof answer !== "string", String(answer));
  return answer;
}

/** Answers questions one after the other; between two, `between` may put another session in the place of the first. */
async function rounds(
  questions: readonly ShardQuestion[],
  shard: Shard,
  between: (session: Session, work: Work) => Promise<Session> = goOn,
): Promise<ShardAnswer[]> {
  const size = sizeOf(shard);
  let session: Session | undefined;
  const answers: ShardAnswer[] = [];
  for (const [index, question] of questions.entries()) {
    const untilStep = (index + 1) * size;
    const work = workOf(question, shard, untilStep);
    session = session === undefined ? await open(work) : await between(session, work);
    answers.push(await finish(session, untilStep));
  }
  return answers;
}

async function goOn(session: Session, work: Work): Promise<Session> {
  assert.equal(await session.resume?.(work), true);
  return session;
}

async function reopen(session: Session, work: Work): Promise<Session> {
  const bytes = await session.save();
  session.close();
  return open(work, bytes);
}

function sizeOf({ shard, shards }: Shard): number {
  return Math.floor(((shard + 1) * samples) / shards) - Math.floor((shard * samples) / shards);
}

const course = [
  ask(0, null),
  ask(1, 0, { theta: [0.39, -0.2, 0.1, 0.3] }),
  ask(2, 0, { theta: [0.38, -0.2, 0.1, 0.3] }),
  ask(3, 2, { accuracy: 1e-6 }),
];

describe("respond", () => {
  it("answers with the truth, to the accuracy that it certifies", async () => {
    const [answer] = await rounds([ask(0, null, { accuracy: 1e-9, gradient: { residual: 1e-9 } })], whole);
    assert.ok(answer);
    const options = workloadSpec.options.parse({ samples });
    const at = Float64Array.from(theta);
    const problems = Array.from({ length: samples }, (_, index) => drawSample(options, seed, index));
    const loss = problems.reduce((sum, problem) => sum + problem.exact(at), 0) / samples;
    const reduced = reduceAnswers(answer.answers, answer.nodes);
    assert.ok(reduced.lowerBound <= loss && loss <= reduced.upperBound, `${loss} lies in the bounds`);
    for (const [position, sample] of dealtOrder(samples).entries()) {
      const [value, truth] = [answer.answers[position]?.value ?? Number.NaN, problems[sample]?.exact(at) ?? Number.NaN];
      assert.ok(Math.abs(value - truth) < 1e-5, `position ${position} answers for sample ${sample}: ${value} against ${truth}`);
    }
    const exact = problems.map((problem) => problem.exactGradient(at));
    for (const [j, z] of (reduced.hypergradient ?? assert.fail("a hypergradient")).entries()) {
      const truth = exact.reduce((sum, gradient) => sum + (gradient[j] ?? 0), 0) / samples;
      // Solves to 1e-9 in x; curvatures here are below 1e3.
      assert.ok(Math.abs(z - truth) < 1e-5, `${z} against ${truth}`);
    }
  });

  it("gives the same bits in shards as whole", async () => {
    const [one] = await rounds(course.slice(0, 1), whole);
    assert.ok(one);
    for (const shards of [2, 3, 7]) {
      const parts = await Promise.all(
        Array.from({ length: shards }, async (_, shard) => (await rounds(course.slice(0, 1), { shard, shards }))[0]),
      );
      const answers = parts.flatMap((part) => part?.answers ?? []);
      assert.deepEqual(answers, one.answers);
      const nodes = parts.flatMap((part) => part?.nodes ?? []);
      assert.deepEqual(reduceAnswers(answers, nodes), reduceAnswers(one.answers, one.nodes));
    }
  });

  it("continues with the same bits in its process, from its checkpoint, and from a checkpoint in the midst of a round", async () => {
    const shard = { shard: 1, shards: 2 };
    const expected = await rounds(course, shard);
    assert.deepEqual(await rounds(course, shard, reopen), expected);
    const torn = async (session: Session, work: Work) => {
      const second = await reopen(session, work);
      await second.step();
      return reopen(second, work);
    };
    assert.deepEqual(await rounds(course, shard, torn), expected);
  });

  it("leaves a round behind without a trace", async () => {
    const [, expected] = await rounds([ask(0, null), ask(2, 0)], whole);
    for (const between of [goOn, reopen]) {
      const session = await open(workOf(ask(0, null), whole, samples));
      await finish(session, samples);
      const other = ask(1, 0, { theta: [9, 9, 9, 9], accuracy: 1e-5 });
      const left = await between(session, workOf(other, whole, 2 * samples));
      await left.step();
      await left.step();
      const untilStep = left.stepsDone + samples;
      assert.deepEqual(await finish(await between(left, workOf(ask(2, 0), whole, untilStep)), untilStep), expected);
    }
  });

  it("says what it holds where it is to start from other solutions, and continues from there with the same bits", async () => {
    const expected = await rounds(course, whole);
    const session = await open(workOf(ask(0, null), whole, samples));
    await finish(session, samples);
    const answer = await finish(await goOn(session, workOf(ask(3, 2, { accuracy: 1e-6 }), whole, 2 * samples)), 2 * samples);
    assert.deepEqual([answer.question, answer.held, answer.answers, session.stepsDone], [3, [0], [], samples]);
    const fresh = await open(workOf(ask(3, 2), whole, 2 * samples));
    assert.deepEqual((await finish(fresh, samples)).held, []);
    const [, , second, third] = course;
    assert.ok(second && third);
    const again = [
      await finish(await goOn(session, workOf(second, whole, 3 * samples)), 3 * samples),
      await finish(await goOn(session, workOf(third, whole, 4 * samples)), 4 * samples),
    ];
    assert.deepEqual(again, expected.slice(2));
  });

  it("may pause unsaved only where it was told so, and finds it worth a warning that solutions are lost", async () => {
    const found: string[] = [];
    const work = workOf(ask(0, null), whole, samples);
    const light = { ...work, options: { ...work.options, durable: false, lost: 7 } };
    const session = await module.open({
      spec: search,
      work: light,
      seed: 1,
      found: (severity, text) => found.push(`${severity}: ${text}`),
    });
    assert.equal(session.mayPauseUnsaved, true);
    assert.match(found.join(), /^warning: the solutions of question 7 are lost: the shard's 7 samples start over/);
    assert.equal((await open(work)).mayPauseUnsaved, false);
  });

  it("rejects as soon as what it has seen is above the bound, and never what all samples together are not", async () => {
    const [first] = await rounds(course.slice(0, 1), whole);
    const total = samples * reduceAnswers(first?.answers ?? []).upperBound;
    const bounded = async (rejectAbove: number) => {
      const session = await open(workOf(ask(0, null, { rejectAbove }), whole, samples));
      const answer = await finish(session, samples);
      return { answer, steps: session.stepsDone };
    };
    const high = await bounded(total * (1 + 1e-6));
    assert.deepEqual([high.answer.rejected, high.steps], [false, samples]);
    const low = await bounded(total / 2);
    assert.equal(low.answer.rejected, true);
    assert.ok(low.steps < samples, `it stopped after ${low.steps} of ${samples}`);
    assert.deepEqual(low.answer.answers, []);
  });

  it("says how many samples and which first hyperparameters there are", async () => {
    const session = await open(Work.fromPartial({ procedure: "respond", options: { describe: true }, untilStep: 1 }));
    await session.step();
    const { metrics, vectors } = await session.measure();
    assert.deepEqual([metrics.samples, vectors?.theta?.values], [samples, [1, 1, 1, 1]]);
  });
});
