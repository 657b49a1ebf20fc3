/** A round's answers against the closed form of regularized least squares: certificates hold, shards and warm starts change nothing they must not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../core/index.js";
import { answerSample, hypergradientBound } from "./answer-sample.js";
import { type LowerProblem, norm } from "./lower-problem.js";
import { drawQuadratic, type QuadraticProblem } from "./problems/quadratic.js";
import { type AnsweredSample, iterationsDefault, lowerBoundOf, reduceAnswers, upperBoundOf } from "./respond.js";
import { coveringNodes, type NodeSum, shardRanges, sumNode } from "./summation-tree.js";

const law = { rows: 60, dim: 6, thetaDim: 4, noise: 0.1, ridge: 0.5 };
const samples = 7;
const problems = (seed: number): readonly QuadraticProblem[] =>
  Array.from({ length: samples }, (_, i) => drawQuadratic(law, createRng(seed).fork(i)));
const theta = [0.5, -1, 2, 0.1];

/** What a cluster does: every shard answers for its samples and sums its nodes. */
function askSharded(seed: number, shards: number): { answered: readonly AnsweredSample[]; nodes: readonly NodeSum[] } {
  const question = { theta, accuracy: 1e-3, gradient: { residual: 1e-4 }, commit: false };
  const answered = problems(seed).map((sample) => answerSample(sample, question, { x: sample.start(Float64Array.from(theta)) }));
  const nodes = shardRanges(samples, shards).flatMap((shard) =>
    coveringNodes(samples, shard).map((node) => sumNode(node, (i) => answered[i]?.hypergradient ?? [])),
  );
  return { answered, nodes };
}

for (const seed of [1, 2, 3]) {
  test(`bounds hold against the closed form, and hypergradients are within their bound, seed ${seed}`, () => {
    for (const accuracy of [1, 1e-2, 1e-6]) {
      for (const sample of problems(seed)) {
        const at = Float64Array.from(theta);
        const question = { theta, accuracy, gradient: { residual: accuracy }, commit: false };
        const { answer, hypergradient, solution } = answerSample(sample, question, { x: sample.start(at) });
        const exact = sample.exact(at);
        // 1e-10 of the value is room for the rounding of the closed form itself.
        const room = 1e-10 * Math.abs(exact);
        assert.ok(answer.accuracy <= accuracy);
        assert.ok(lowerBoundOf(answer) <= exact + room && exact - room <= upperBoundOf(answer));
        assert.ok(norm(solution.x.map((x, i) => x - (sample.minimizer(at)[i] ?? 0))) <= answer.accuracy * (1 + 1e-9));
        const truth = sample.exactGradient(at);
        const error = norm(truth.map((one, j) => one - (hypergradient?.[j] ?? 99)));
        assert.ok(error <= (answer.adjoint?.bound ?? 0) + 1e-9 * norm(truth), `error ${error}, bound ${answer.adjoint?.bound}`);
      }
    }
  });

  test(`the reduced answer has the same bits for every number of shards, seed ${seed}`, () => {
    const whole = askSharded(seed, 1);
    const expected = reduceAnswers(
      whole.answered.map(({ answer }) => answer),
      whole.nodes,
    );
    assert.ok(norm(Float64Array.from(expected.hypergradient ?? [])) > 0);
    for (const shards of [2, 3, 4, 7]) {
      const { answered, nodes } = askSharded(seed, shards);
      assert.deepEqual(
        reduceAnswers(
          answered.map(({ answer }) => answer),
          [...nodes].reverse(),
        ),
        expected,
      );
    }
    const exact = problems(seed).reduce((sum, one) => sum + one.exact(Float64Array.from(theta)), 0) / samples;
    assert.ok(expected.lowerBound <= exact && exact <= expected.upperBound);
  });
}

test("a warm start that is good enough costs no step, and keeps its adjoint", () => {
  const [sample] = problems(4);
  assert.ok(sample);
  const question = { theta, accuracy: 1e-5, gradient: { residual: 1e-5 }, commit: false };
  const first = answerSample(sample, question, { x: sample.start(Float64Array.from(theta)) });
  const again = answerSample(sample, { ...question, commit: true }, first.solution);
  assert.ok(first.answer.iterations > 0 && (first.answer.adjoint?.iterations ?? 0) > 0);
  assert.equal(again.answer.iterations, 0);
  assert.equal(again.answer.adjoint?.iterations, 0);
  const valueOnly = answerSample(sample, { theta, accuracy: 1e-5, commit: true }, first.solution);
  assert.deepEqual(valueOnly.solution.q, first.solution.q);
  assert.equal(valueOnly.hypergradient, undefined);
});

test("a lower level that is not strongly convex, or not finite, is named and never solved", () => {
  const [sample] = problems(5);
  assert.ok(sample);
  const ask = (lower: Partial<LowerProblem>) => {
    const changed = { ...sample, lower: { ...sample.lower, ...lower } };
    return answerSample(changed, { theta, accuracy: 1e-3, commit: false }, { x: new Float64Array(6) }).answer;
  };
  assert.equal(ask({ mu: () => 0 }).problem, "not-strongly-convex");
  assert.equal(ask({ mu: () => -1 }).problem, "not-strongly-convex");
  assert.equal(ask({ mu: () => Number.NaN }).problem, "not-strongly-convex");
  assert.equal(ask({ smoothness: () => Number.POSITIVE_INFINITY }).problem, "not-finite");
  assert.equal(ask({ gradient: (_x, _theta, out) => void out.fill(Number.NaN) }).problem, "not-finite");
  const good = ask({});
  assert.deepEqual(reduceAnswers([good, ask({ mu: () => 0 })]).problem, { position: 1, kind: "not-strongly-convex" });
});

test("a residual above the upper gradient counts as unresolved: its adjoint may be zero", () => {
  const [sample] = problems(6);
  assert.ok(sample);
  const question = { theta, accuracy: 1e-3, gradient: { residual: 1e9 }, commit: false };
  const { answer, hypergradient } = answerSample(sample, question, { x: sample.start(Float64Array.from(theta)) });
  const reduced = reduceAnswers([answer], [sumNode({ lo: 0, hi: 1 }, () => hypergradient ?? [])]);
  assert.deepEqual(reduced.hypergradient?.map(Math.abs), [0, 0, 0, 0]);
  assert.equal(reduced.unresolved, 1);
});

test("the bound of a hypergradient is that of the paper's theorem, term by term", () => {
  const [sample] = problems(7);
  assert.ok(sample);
  const constants = { crossNorm: 3, crossLipschitz: 5, hessianLipschitz: 7 };
  const lower = { ...sample.lower, mu: () => 2, lipschitz: () => constants };
  const upper = { ...sample.upper, smoothness: 11 };
  const at = { x: new Float64Array(6), theta: Float64Array.from(theta), accuracy: 0.25, residual: 0.5, gradientNorm: 13 };
  // c(x) eps + |J| / mu delta + L_J L_g / mu eps^2, c = L_g |J| / mu + L_H n |J| / mu^2 + L_J n / mu.
  const c = (11 * 3) / 2 + (7 * 13 * 3) / 4 + (5 * 13) / 2;
  const expected = c * 0.25 + (3 / 2) * 0.5 + ((5 * 11) / 2) * 0.0625;
  assert.equal(hypergradientBound({ ...sample, lower, upper }, at), expected);
  const { lipschitz: _, ...unknown } = sample.lower;
  assert.equal(hypergradientBound({ ...sample, lower: unknown }, at), undefined);
});

test("a sample without an answer keeps its warm start, and whatever is not finite is named", () => {
  const [sample] = problems(8);
  assert.ok(sample);
  const warm = { x: Float64Array.of(1, 2, 3, 4, 5, 6), q: new Float64Array(6) };
  const ask = (changed: object) =>
    answerSample({ ...sample, ...changed }, { theta, accuracy: 1e-3, gradient: { residual: 1e-3 }, commit: false }, warm);
  const broken = (value: number) => [
    { upper: { ...sample.upper, value: () => value } },
    { upper: { ...sample.upper, gradient: (_: Float64Array, out: Float64Array) => void out.fill(value) } },
    { lower: { ...sample.lower, smoothness: () => value } },
    { lower: { ...sample.lower, gradient: (_x: Float64Array, _t: Float64Array, out: Float64Array) => void out.fill(value) } },
  ];
  const infinite = { lower: { ...sample.lower, mu: () => Number.POSITIVE_INFINITY } };
  for (const changed of [...broken(Number.NaN), ...broken(Number.POSITIVE_INFINITY), infinite]) {
    const { answer, solution, hypergradient } = ask(changed);
    assert.equal(answer.problem, "not-finite");
    assert.equal(solution, warm);
    assert.equal(hypergradient, undefined);
  }
  const sound = ask({});
  assert.deepEqual([sound.answer.problem, sound.solution === warm], [undefined, false]);
});

test("a question that does not say takes a hundred thousand steps at most", () => {
  const [sample] = problems(9);
  assert.ok(sample);
  // Steps a million times too short for a curvature of 1 are still on their way.
  const lower: LowerProblem = {
    ...sample.lower,
    dim: 1,
    mu: () => 1e-9,
    smoothness: () => 1e12,
    gradient: (x, _, out) => out.set(x),
    hessianVector: (_x, _theta, v, out) => out.set(v),
  };
  const upper = { ...sample.upper, value: () => 1, gradient: (_: Float64Array, out: Float64Array) => void out.fill(1) };
  const { answer } = answerSample(
    { ...sample, lower, upper },
    { theta, accuracy: 1e-3, commit: false },
    { x: Float64Array.of(1) },
  );
  assert.deepEqual([answer.iterations, iterationsDefault], [100_000, 100_000]);
});
