/** The two solvers against a problem whose answer is known: h(x) = 1/2 x'Dx - b'x with a diagonal D, minimizer b / d. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../core/index.js";
import { acceleratedGradient, beginLower, continueLower, type LowerSolution } from "./accelerated-gradient.js";
import { conjugateGradient } from "./conjugate-gradient.js";
import { type LowerProblem, norm } from "./lower-problem.js";

const dim = 40;
const noTheta = new Float64Array(0);

/** Eigenvalues from 1 to `condition`, evenly in the logarithm. */
function problem(seed: number, condition: number): { lower: LowerProblem; b: Float64Array; minimizer: Float64Array } {
  const d = Float64Array.from({ length: dim }, (_, i) => condition ** (i / (dim - 1)));
  const b = new Float64Array(dim);
  createRng(seed).fillNormal(b);
  const times = (v: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < dim; i++) out[i] = (d[i] as number) * (v[i] as number);
  };
  const lower: LowerProblem = {
    dim,
    thetaDim: 0,
    mu: () => 1,
    smoothness: () => condition,
    value: (x) => x.reduce((sum, xi, i) => sum + 0.5 * (d[i] as number) * xi * xi - (b[i] as number) * xi, 0),
    gradient: (x, _, out) => {
      times(x, out);
      for (let i = 0; i < dim; i++) out[i] = (out[i] as number) - (b[i] as number);
    },
    hessianVector: (_x, _theta, v, out) => times(v, out),
    crossTransposed: () => undefined,
  };
  return { lower, b, minimizer: b.map((bi, i) => bi / (d[i] as number)) };
}

const distance = (a: Float64Array, b: Float64Array): number => norm(a.map((ai, i) => ai - (b[i] as number)));

for (const seed of [1, 2, 3]) {
  test(`accelerated gradient certifies its distance to the minimizer, and its momentum pays, seed ${seed}`, () => {
    const { lower, minimizer } = problem(seed, 1000);
    for (const accuracy of [1, 1e-3, 1e-9]) {
      const found = acceleratedGradient(lower, noTheta, new Float64Array(dim), { accuracy, iterationsMax: 10_000 });
      assert.equal(found.outcome, "reached");
      assert.ok(found.accuracy <= accuracy);
      assert.ok(distance(found.x, minimizer) <= found.accuracy * (1 + 1e-12), "the bound holds up to rounding");
    }
    // Plain gradient descent needs about condition * log(1e9) = 20,000 steps; acceleration about its square root times that logarithm.
    const { iterations } = acceleratedGradient(lower, noTheta, new Float64Array(dim), { accuracy: 1e-9, iterationsMax: 10_000 });
    assert.ok(iterations < 2500, `${iterations} steps`);
  });

  test(`an accuracy that float64 can't reach is told as a stall, seed ${seed}`, () => {
    const { lower, minimizer } = problem(seed, 1000);
    const found = acceleratedGradient(lower, noTheta, new Float64Array(dim), { accuracy: 1e-30, iterationsMax: 100_000 });
    assert.equal(found.outcome, "stalled");
    assert.ok(distance(found.x, minimizer) < 1e-12);
  });

  test(`a smoothness that is no bound is seen by divergence and doubled until steps are stable, in parts too, seed ${seed}`, () => {
    const { lower, minimizer } = problem(seed, 1000);
    // Steps stay stable up to 4/3 of what is said: an eighth has to be doubled at least three times, a half once.
    for (const [share, leastDoublings] of [
      [0.73, 1],
      [1 / 2, 1],
      [1 / 8, 3],
    ] as const) {
      const wrong = { ...lower, smoothness: () => 1000 * share };
      const options = { accuracy: 1e-9, iterationsMax: 20_000 };
      const found = acceleratedGradient(wrong, noTheta, new Float64Array(dim), options);
      assert.equal(found.outcome, "reached");
      assert.ok(distance(found.x, minimizer) <= found.accuracy * (1 + 1e-12));
      assert.ok(found.iterations > 200 * leastDoublings, `${found.iterations} steps`);
      const solve = beginLower(wrong, noTheta, new Float64Array(dim));
      let inParts: LowerSolution | undefined;
      while (inParts === undefined) inParts = continueLower(wrong, noTheta, solve, options, () => true);
      assert.deepEqual(inParts, found);
      assert.ok(solve.smoothness >= 1000 * share * 2 ** leastDoublings);
      // What it can't reach is a stall all the same.
      const stalled = acceleratedGradient(wrong, noTheta, new Float64Array(dim), { accuracy: 1e-30, iterationsMax: 100_000 });
      assert.equal(stalled.outcome, "stalled");
      assert.ok(distance(stalled.x, minimizer) < 1e-12);
    }
  });

  test(`after a doubling it continues as a solve that begins at the best point with that smoothness, seed ${seed}`, () => {
    const { lower } = problem(seed, 1000);
    const options = { accuracy: 1e-9, iterationsMax: 20_000 };
    const wrong = { ...lower, smoothness: () => 500 };
    const solve = beginLower(wrong, noTheta, new Float64Array(dim));
    let whole: LowerSolution | undefined;
    let restart: { readonly from: Float64Array; readonly at: number } | undefined;
    while (whole === undefined) {
      const [from, at] = [solve.bestX.slice(), solve.iterations];
      whole = continueLower(wrong, noTheta, solve, options, () => true);
      if (solve.smoothness > 500) restart ??= { from, at };
    }
    assert.ok(restart !== undefined && solve.smoothness === 1000, "it was doubled once");
    const fresh = acceleratedGradient(lower, noTheta, restart.from, options);
    assert.deepEqual([whole.x, whole.iterations], [fresh.x, restart.at + fresh.iterations]);
  });

  test(`conjugate gradient reaches an absolute residual within its bound of steps, seed ${seed}`, () => {
    const { lower, b, minimizer } = problem(seed, 100);
    const apply = (v: Float64Array, out: Float64Array): void => lower.hessianVector(b, noTheta, v, out);
    const { q, residual, iterations, outcome } = conjugateGradient(apply, b, { residual: 1e-9, iterationsMax: 1000 });
    assert.equal(outcome, "reached");
    assert.ok(residual <= 1e-9);
    // The residual falls below 2 sqrt(condition) ((sqrt(condition) - 1) / (sqrt(condition) + 1))^k norm(b), which rounding respects.
    const bound = Math.log((2 * 10 * norm(b)) / 1e-9) / Math.log(11 / 9);
    assert.ok(iterations <= bound, `${iterations} steps, bound ${bound}`);
    assert.ok(distance(q, minimizer) <= 1e-9, "the smallest eigenvalue is 1, so the residual bounds the error");
  });
}

/** One unknown whose gradient is what is given, whatever the hyperparameters. */
const oneUnknown = (slope: (x: number) => number, smoothness: number, mu = 1): LowerProblem => ({
  dim: 1,
  thetaDim: 0,
  mu: () => mu,
  smoothness: () => smoothness,
  value: () => 0,
  gradient: (x, _, out) => void out.fill(slope(x[0] ?? 0)),
  hessianVector: () => undefined,
  crossTransposed: () => undefined,
});

test("where nothing gets better it is a stall after two hundred steps, and the best point is that of the beginning", () => {
  const options = { accuracy: 1e-3, iterationsMax: 1000 };
  for (const slope of [() => 2, (x: number) => 2 + Math.abs(x)]) {
    const { x, accuracy, iterations, outcome } = acceleratedGradient(
      oneUnknown(slope, 10, 4),
      noTheta,
      Float64Array.of(0),
      options,
    );
    if (slope(1) === 2) assert.deepEqual([x[0], accuracy, iterations, outcome], [0, 0.5, 200, "stalled"]);
    else assert.ok(outcome !== "reached" && accuracy === 0.5 && x[0] === 0, "where it grows on and on too");
  }
});

test("steps on a parabola are those of its closed form: the first is a gradient step, and equal curvatures need one", () => {
  // mu = L: one step of length 1 / L is exact.
  const exact = acceleratedGradient(
    oneUnknown((x) => 4 * (x - 3), 4, 4),
    noTheta,
    Float64Array.of(11),
    {
      accuracy: 1e-12,
      iterationsMax: 9,
    },
  );
  assert.deepEqual([exact.x[0], exact.iterations, exact.outcome], [3, 1, "reached"]);
  for (const [mu, smoothness] of [
    [1, 16],
    [0.25, 100],
  ] as const) {
    // t begins at 1, so that the first step has no momentum: the error shrinks by 1 - curvature / L.
    const after = (iterationsMax: number, curvature: number) => {
      const { x, iterations } = acceleratedGradient(
        oneUnknown((at) => curvature * at, smoothness, mu),
        noTheta,
        Float64Array.of(1),
        {
          accuracy: 1e-300,
          iterationsMax,
        },
      );
      assert.equal(iterations, iterationsMax);
      return x[0] ?? Number.NaN;
    };
    assert.ok(Math.abs(after(1, mu) - (1 - mu / smoothness)) < 1e-15);
    // On its least curvature the error falls in the long run as (1 - sqrt(mu / L)) does, which plain steps and lost momentum miss.
    const rate = (after(440, mu) / after(400, mu)) ** (1 / 40);
    assert.ok(Math.abs(rate - (1 - Math.sqrt(mu / smoothness))) < 0.01, `${rate}`);
  }
});

test("a solve that is cut short tells what it reached, and where, at the best of its points", () => {
  // A curvature between mu and L: momentum swings past the minimizer and back.
  const swinging = oneUnknown((x) => x / 2, 1, 0.01);
  let [best, notTheLast] = [Number.POSITIVE_INFINITY, 0];
  for (let iterationsMax = 0; iterationsMax <= 60; iterationsMax++) {
    const found = acceleratedGradient(swinging, noTheta, Float64Array.of(1), { accuracy: 1e-300, iterationsMax });
    assert.deepEqual([found.outcome, found.iterations], ["spent", iterationsMax]);
    assert.equal(Math.abs((found.x[0] ?? Number.NaN) / 2) / 0.01, found.accuracy);
    assert.ok(found.accuracy <= best);
    if (found.accuracy === best) notTheLast += 1;
    best = found.accuracy;
  }
  assert.ok(notTheLast > 0, "the last point is not always the best");
});
