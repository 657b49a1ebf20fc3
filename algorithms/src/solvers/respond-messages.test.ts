/** Rounds as messages and as numbers: what is sent arrives with all of its bits, what can't be read is refused in words, and means are means. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRng } from "../core/index.js";
import { answerSample, continueSample, type SampleSolve } from "./answer-sample.js";
import { drawQuadratic } from "./problems/quadratic.js";
import { type AnsweredSample, lowerBoundOf, reduceAnswers, rejectedAnswer, type SampleAnswer, upperBoundOf } from "./respond.js";
import {
  type AnswerMessage,
  decodeAnswer,
  encodeAnswer,
  encodeMissing,
  isRejected,
  questionOptions,
  type ShardAnswer,
  shardNodes,
} from "./respond-messages.js";
import { coveringNodes } from "./summation-tree.js";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const answerOf = (adjoint: boolean, bound: boolean, names: readonly string[]) =>
  fc.record({
    value: finite,
    gradientNorm: finite,
    accuracy: finite,
    smoothness: finite,
    convex: fc.boolean(),
    iterations: fc.nat(),
    stalled: fc.boolean(),
    ...(adjoint ? { adjoint: fc.record({ residual: finite, iterations: fc.nat(), ...(bound ? { bound: finite } : {}) }) } : {}),
    ...(names.length > 0 ? { metrics: fc.record(Object.fromEntries(names.map((name) => [name, finite]))) } : {}),
  });
const shards = fc
  .record({
    samples: fc.integer({ min: 1, max: 40 }),
    from: fc.nat(39),
    length: fc.integer({ min: 1, max: 40 }),
    adjoint: fc.boolean(),
    bound: fc.boolean(),
    names: fc.subarray(["psnr", "errorRate"]),
    question: fc.nat(),
  })
  .chain(({ samples, from, length, adjoint, bound, names, question }) => {
    const lo = from % samples;
    const range = { lo, hi: Math.min(samples, lo + length) };
    const nodes = adjoint ? coveringNodes(samples, range) : [];
    return fc.record({
      question: fc.constant(question),
      samples: fc.constant(samples),
      range: fc.constant(range),
      answers: fc.array(answerOf(adjoint, bound, names), { minLength: range.hi - lo, maxLength: range.hi - lo }),
      nodes: fc.constant(nodes.map((node) => ({ ...node, sum: [node.lo / 3, -node.hi] }))),
      rejected: fc.constant(false),
    });
  });
const asData = (value: unknown) => JSON.parse(JSON.stringify(value));

test("an answer comes back from its message as it was, and a rejection without its numbers", () => {
  fc.assert(
    fc.property(shards, (answer: ShardAnswer) => {
      assert.deepEqual(asData(decodeAnswer(encodeAnswer(answer))), asData(answer));
      const rejected = decodeAnswer(encodeAnswer({ ...answer, rejected: true }));
      assert.deepEqual(rejected, { ...answer, answers: [], nodes: [], rejected: true });
      const { question, samples, range } = answer;
      const missing = decodeAnswer(encodeMissing({ question, samples, range, held: [3, 0, 7] }));
      assert.deepEqual(missing, { question, samples, range, answers: [], nodes: [], rejected: false, held: [3, 0, 7] });
    }),
  );
});

test("a problem is that of its sample, and numbers that mean nothing are one, whoever sent them", () => {
  const good: SampleAnswer = {
    value: 1,
    gradientNorm: 2,
    accuracy: 3,
    smoothness: 4,
    convex: true,
    iterations: 5,
    stalled: false,
  };
  const answers = [good, { ...good, problem: "not-strongly-convex" as const }, { ...good, problem: "not-finite" as const }, good];
  const message = encodeAnswer({ question: 1, samples: 9, range: { lo: 2, hi: 6 }, answers, nodes: [], rejected: false });
  const problems = (one: AnswerMessage) => {
    const decoded = decodeAnswer(one);
    assert.ok(typeof decoded === "object");
    return decoded.answers.map(({ problem }) => problem);
  };
  assert.deepEqual(problems(message), [undefined, "not-strongly-convex", "not-finite", undefined]);
  for (const name of ["value", "gradientNorm", "accuracy", "smoothness"]) {
    const vectors = { ...message.vectors, [name]: [1, 1, 1, Number.NaN] };
    assert.deepEqual(problems({ ...message, vectors }), [undefined, "not-strongly-convex", "not-finite", "not-finite"], name);
  }
});

test("metrics of the samples that have an answer arrive, whichever sample has none", () => {
  const good = { value: 1, gradientNorm: 2, accuracy: 3, smoothness: 4, convex: true, iterations: 5, stalled: false };
  const answers = [
    { ...good, problem: "not-finite" as const },
    { ...good, metrics: { psnr: 30 } },
    { ...good, metrics: { psnr: 31 } },
  ];
  const decoded = decodeAnswer(
    encodeAnswer({ question: 1, samples: 3, range: { lo: 0, hi: 3 }, answers, nodes: [], rejected: false }),
  );
  assert.ok(typeof decoded === "object");
  assert.deepEqual(
    decoded.answers.map(({ metrics }) => metrics?.psnr),
    [Number.NaN, 30, 31],
  );
});

test("what can't be read is refused with what is wrong", () => {
  const answer = { value: 1, gradientNorm: 2, accuracy: 3, smoothness: 4, convex: true, iterations: 5, stalled: false };
  const range = { lo: 1, hi: 3 };
  const message = encodeAnswer({ question: 4, samples: 5, range, answers: [answer, answer], nodes: [], rejected: false });
  const words = (metrics: Record<string, number>, vectors: Record<string, readonly number[]> = {}) =>
    decodeAnswer({ metrics: { ...message.metrics, ...metrics }, vectors: { ...message.vectors, ...vectors } });
  assert.equal(decodeAnswer({ metrics: { loss: 1 }, vectors: {} }), undefined);
  for (const name of ["samples", "firstPosition", "endPosition"])
    for (const wrong of [-1, 0.5, 2 ** 53]) assert.equal(words({ [name]: wrong }), "an answer to question 4 without its samples");
  assert.equal(words({ question: -1 }), "an answer to question -1 without its samples");
  assert.equal(words({ firstPosition: 3 }), "an answer for the positions from 3 to 3 of 5");
  assert.equal(words({ endPosition: 6 }), "an answer for the positions from 1 to 6 of 5");
  assert.equal(typeof words({ samples: 3 }), "object", "up to the last sample");
  assert.equal(words({}, { value: [1] }), "1 number of value, one for each of 2 samples was expected");
  assert.equal(typeof words({}, { "node.1.2": [1, 2, 3] }), "object", "a sum is as long as it likes");
  for (const name of ["value", "gradientNorm", "accuracy", "smoothness"]) {
    const { [name]: _, ...vectors } = message.vectors;
    assert.equal(decodeAnswer({ ...message, vectors }), `no vector ${name}`);
  }
  const held = decodeAnswer({ metrics: { ...message.metrics, missing: 1 }, vectors: { held: [1, -1, 0.5, 9] } });
  assert.deepEqual(typeof held === "object" && held.held, [1, 9]);
  assert.deepEqual(decodeAnswer({ metrics: { ...message.metrics, missing: 1 }, vectors: {} }), {
    question: 4,
    samples: 5,
    range,
    answers: [],
    nodes: [],
    rejected: false,
    held: [],
  });
});

test("a question's options hold what was asked, and nothing that was not", () => {
  const question = { theta: [1], accuracy: 0.5 };
  assert.deepEqual(questionOptions({ id: 3, startFrom: null, question }), { question: 3, accuracy: 0.5 });
  const all = { ...question, gradient: { residual: 0.25 }, rejectAbove: 0, iterationsMax: 7 };
  const expected = { question: 3, startFrom: 0, accuracy: 0.5, residual: 0.25, rejectAbove: 0, iterationsMax: 7 };
  assert.deepEqual(questionOptions({ id: 3, startFrom: 0, question: all }), expected);
});

test("a part rejects only what is above by more than rounding", () => {
  assert.equal(isRejected(1, undefined), false);
  for (const above of [1, -1, 1e6, 0]) {
    assert.equal(isRejected(above, above), false);
    assert.equal(isRejected(above + 0.9e-9 * Math.abs(above), above), false);
    assert.equal(isRejected(above + 1.1e-9 * Math.abs(above) + 1e-300, above), true);
  }
});

const drawn = (seed: number, index: number, more: Partial<SampleAnswer> = {}): SampleAnswer => {
  const rng = createRng(seed).fork(index);
  return {
    value: rng.uniform(),
    gradientNorm: rng.uniform(),
    accuracy: rng.uniform(),
    smoothness: rng.uniform(),
    convex: rng.integer(2) === 1,
    iterations: rng.integer(100),
    stalled: rng.integer(2) === 1,
    adjoint: { residual: 0.4 * rng.uniform(), iterations: rng.integer(10), bound: rng.uniform() },
    metrics: { psnr: rng.normal() },
    ...more,
  };
};

test("reduced answers are means, sums and worst cases, and bounds hold for every upper function that the numbers allow", () => {
  for (const samples of [1, 2, 5, 33]) {
    for (const seed of [1, 2, 3]) {
      const answers = Array.from({ length: samples }, (_, i) => drawn(seed, i));
      const nodes = shardNodes(
        samples,
        { lo: 0, hi: samples },
        answers.map(({ value }, i) => [value, i]),
      );
      const reduced = reduceAnswers(answers, nodes);
      const mean = (of: (one: SampleAnswer) => number) => answers.reduce((sum, one) => sum + of(one), 0) / samples;
      const near = (a: number | undefined, b: number) => assert.ok(Math.abs((a ?? Number.NaN) - b) < 1e-13, `${a} and ${b}`);
      near(
        reduced.value,
        mean(({ value }) => value),
      );
      near(
        reduced.gradientNorm,
        mean(({ gradientNorm }) => gradientNorm),
      );
      near(
        reduced.metrics.psnr,
        mean(({ metrics }) => metrics?.psnr ?? Number.NaN),
      );
      near(
        reduced.bound,
        mean(({ adjoint }) => adjoint?.bound ?? Number.NaN),
      );
      near(reduced.hypergradient?.[0], reduced.value);
      near(reduced.hypergradient?.[1], (samples - 1) / 2);
      near(
        reduced.upperBound,
        mean(({ value: v, gradientNorm: g, accuracy: e, smoothness: l }) => v + g * e + (l * e * e) / 2),
      );
      near(
        reduced.lowerBound,
        mean(({ value: v, gradientNorm: g, accuracy: e, smoothness: l, convex }) => v - g * e - (convex ? 0 : (l * e * e) / 2)),
      );
      // The rounding of the sums widens the sandwich, and by a little only.
      const bare = (of: (one: SampleAnswer) => number) => mean(of);
      if (samples === 1) assert.deepEqual([reduced.upperBound, reduced.lowerBound], [bare(upperBoundOf), bare(lowerBoundOf)]);
      else assert.ok(reduced.upperBound > bare(upperBoundOf) && reduced.lowerBound < bare(lowerBoundOf), "outwards");
      assert.equal(reduced.accuracy, Math.max(...answers.map(({ accuracy }) => accuracy)));
      assert.equal(reduced.residual, Math.max(...answers.map(({ adjoint }) => adjoint?.residual ?? 0)));
      const steps = answers.reduce((sum, { iterations, adjoint }) => sum + iterations + (adjoint?.iterations ?? 0), 0);
      assert.equal(reduced.iterations, steps);
      assert.equal(reduced.stalled, answers.filter(({ stalled }) => stalled).length);
      const unresolved = answers.filter(({ adjoint, gradientNorm }) => (adjoint?.residual ?? 0) >= gradientNorm).length;
      assert.equal(reduced.unresolved, unresolved);
    }
  }
});

test("what some sample lacks, all lack", () => {
  const answers = [drawn(1, 0), drawn(1, 1)];
  const nodes = shardNodes(2, { lo: 0, hi: 2 }, [[1], [2]]);
  const { adjoint: _, ...bare } = drawn(1, 1);
  for (const reduced of [reduceAnswers([drawn(1, 0), bare], nodes), reduceAnswers(answers)])
    assert.deepEqual(
      [reduced.hypergradient, reduced.residual, reduced.bound, reduced.unresolved],
      [undefined, undefined, undefined, undefined],
    );
  const noBound = reduceAnswers([drawn(1, 0), drawn(1, 1, { adjoint: { residual: 0, iterations: 0 } })], nodes);
  assert.deepEqual([noBound.hypergradient, noBound.bound], [[1.5], undefined]);
  const exact = drawn(1, 0, { gradientNorm: 0, adjoint: { residual: 0, iterations: 0 } });
  assert.equal(reduceAnswers([exact], shardNodes(1, { lo: 0, hi: 1 }, [[1]])).unresolved, 0, "no residual is no doubt");
  assert.deepEqual(rejectedAnswer.rejected, true);
  assert.ok(Object.values(rejectedAnswer).every((value) => typeof value !== "number" || value === 0));
});

test("a sample answered in parts gives the bits of one that is answered at once, whatever the parts", () => {
  const theta = [0.5, -1, 2, 0.1];
  for (const seed of [1, 2, 3]) {
    const sample = drawQuadratic({ rows: 60, dim: 6, thetaDim: 4, noise: 0.1, ridge: 0.5 }, createRng(seed));
    const warm = { x: sample.start(Float64Array.from(theta)) };
    const question = { theta, accuracy: 1e-5, gradient: { residual: 1e-6 }, commit: false };
    const whole = answerSample(sample, question, warm);
    const stages = new Set<string>();
    for (const every of [1, 2, 7]) {
      let solve: SampleSolve | undefined;
      let done: AnsweredSample | undefined;
      let [steps, parts] = [0, 0];
      while (done === undefined) {
        const next = continueSample(sample, question, { warm, solve, giveWay: () => ++steps % every === 0 });
        if ("answer" in next) done = next;
        else {
          solve = next;
          stages.add(next.stage);
          parts += 1;
        }
      }
      assert.deepEqual(done, whole);
      assert.ok(parts > 0);
    }
    assert.deepEqual([...stages], ["lower", "adjoint"]);
    const limited = answerSample(sample, { ...question, iterationsMax: 2 }, warm);
    assert.deepEqual([limited.answer.iterations, limited.answer.adjoint?.iterations], [2, 2]);
    assert.equal(limited.answer.stalled, false, "a solve that was cut short is no stall");
    assert.ok(limited.answer.accuracy > 1e-5, "what was reached is told, not what was asked");
    const deep = answerSample(sample, { ...question, accuracy: 1e-300 }, warm);
    // Float64 may come to a gradient of exactly 0, which is no stall.
    assert.equal(deep.answer.stalled, deep.answer.accuracy > 0);
  }
});
