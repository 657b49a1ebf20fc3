/**
 * Constants that are the least that hold, and not only bounds: curvatures and their changes are found in the directions and at the points where they are
 * greatest. A certificate that rests on a constant which is twice too large is valid, and costs a user twice the work.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { conjugateGradient } from "../conjugate-gradient.js";
import { dot, type LowerProblem, norm } from "../lower-problem.js";
import { crossEntropyOf, type LogisticRows, multinomialLogistic } from "./multinomial-logistic.js";
import { drawQuadratic } from "./quadratic.js";
import { totalVariation } from "./total-variation.js";

const normal = (seed: number, length: number): Float64Array => {
  const out = new Float64Array(length);
  createRng(seed).fillNormal(out);
  return out;
};
/** The greatest factor by which a symmetric, positive map lengthens a vector, from below. */
function largest(dim: number, apply: (v: Float64Array) => Float64Array, rounds = 400): number {
  let v = normal(1, dim);
  let factor = 0;
  for (let round = 0; round < rounds; round++) {
    const next = apply(v);
    factor = norm(next) / norm(v);
    v = next.map((one) => one / norm(next));
  }
  return factor;
}
const into = (length: number, write: (out: Float64Array) => void): Float64Array => {
  const out = new Float64Array(length);
  write(out);
  return out;
};
const near = (found: number, expected: number, tolerance: number, what: string): void =>
  assert.ok(Math.abs(found / expected - 1) <= tolerance, `${what}: ${found} and ${expected}`);

for (const seed of [1, 2, 3]) {
  test(`the quadratic's mu, L and cross norm are eigenvalues of its matrices, seed ${seed}`, () => {
    const { lower, upper } = drawQuadratic({ rows: 30, dim: 5, thetaDim: 4, noise: 0.1, ridge: 0.3 }, createRng(seed));
    const [x, theta] = [normal(seed, 5), normal(seed + 1, 4)];
    const times = (v: Float64Array) => into(5, (out) => lower.hessianVector(x, theta, v, out));
    // Gaps between eigenvalues are some percent here: 400 rounds leave nothing of the others.
    near(lower.smoothness(theta), largest(5, times), 1e-6, "L");
    const inverse = (v: Float64Array) =>
      conjugateGradient((p, out) => out.set(times(p)), v, { residual: 1e-13, iterationsMax: 100 }).q;
    near(lower.mu(theta), 1 / largest(5, inverse), 1e-6, "mu");
    const zero = into(5, (out) => upper.gradient(new Float64Array(5), out));
    const upperTimes = (v: Float64Array) => into(5, (out) => upper.gradient(v, out)).map((one, i) => one - (zero[i] ?? 0));
    near(upper.smoothness, largest(5, upperTimes), 1e-6, "upper L");
    // J' J by products with unit vectors of x.
    const columns = Array.from({ length: 5 }, (_, i) => {
      const unit = new Float64Array(5);
      unit[i] = 1;
      return into(4, (out) => lower.crossTransposed(x, theta, unit, out));
    });
    const gram = (v: Float64Array) =>
      columns.reduce((sum, row) => sum.map((one, j) => one + dot(row, v) * (row[j] ?? 0)), new Float64Array(4));
    near(lower.lipschitz?.(x, theta).crossNorm ?? 0, Math.sqrt(largest(4, gram)), 1e-6, "|J|");
  });
}

const logistic = (features: number, classes: number, inputs: readonly number[]): LogisticRows => {
  return { features, classes, inputs: Float64Array.from(inputs), labels: new Uint8Array(inputs.length / features) };
};
const quotient = (lower: LowerProblem, w: Float64Array, v: Float64Array, theta: Float64Array) =>
  dot(
    v,
    into(lower.dim, (out) => lower.hessianVector(w, theta, v, out)),
  );

test("a softmax is as curved as its bound where two classes are alike and the others are out of the question", () => {
  const [theta, v] = [new Float64Array(3).fill(-3), Float64Array.of(Math.SQRT1_2, -Math.SQRT1_2, 0)];
  const rows = logistic(1, 3, [2, 2, 2]);
  const lower = multinomialLogistic(rows);
  const found = quotient(lower, Float64Array.of(0, 0, -50), v, theta);
  // Half of 2^2, and the penalty.
  near(found, 2 + Math.exp(-3), 1e-9, "curvature");
  near(lower.smoothness(theta), found, 1e-9, "L");
  near(crossEntropyOf(rows).smoothness, 2, 1e-9, "upper L");
  assert.equal(lower.mu(Float64Array.of(-3, -4, 5)), Math.exp(-4));
  assert.equal(lower.smoothness(Float64Array.of(-3, -4, 1)), 2 * (1 + 1e-12) + Math.exp(1));
});

test("its curvature changes as fast as its bound where one of two classes has the share (1 - 1/sqrt 3) / 2", () => {
  const share = (1 - Math.sqrt(1 / 3)) / 2;
  for (const size of [1, 2, 0.5]) {
    const lower = multinomialLogistic(logistic(1, 2, [size]));
    const theta = new Float64Array(2).fill(-40);
    const w = Float64Array.of(Math.log(share / (1 - share)) / size, 0);
    const v = Float64Array.of(Math.SQRT1_2, -Math.SQRT1_2);
    const at = (by: number) =>
      quotient(
        lower,
        w.map((one, i) => one + by * (v[i] ?? 0)),
        v,
        theta,
      );
    // Central differences at 1e-4: the third derivative of this curvature is of its own size.
    const change = Math.abs(at(1e-4) - at(-1e-4)) / 2e-4;
    near(lower.lipschitz?.(w, theta).hessianLipschitz ?? 0, change, 1e-6, `rows of length ${size}`);
  }
});

test("few features have the curvature of their spectrum, many that of their trace", () => {
  const unit = (features: number) => {
    const inputs = new Array<number>(2 * features).fill(0);
    [inputs[0], inputs[features + 1]] = [1, 1];
    return crossEntropyOf(logistic(features, 2, inputs)).smoothness;
  };
  // Two rows that have nothing in common: each moment is a half, and their sum is 1.
  near(unit(2), 0.25, 1e-9, "two features");
  near(unit(200), 0.25, 1e-9, "two hundred features");
  near(unit(201), 0.5, 1e-9, "more");
});

test("the logistic cross product is as long as its bound along the weight that it stands at, and moves with it", () => {
  const lower = multinomialLogistic(logistic(1, 2, [1]));
  const theta = Float64Array.of(0.5, -1);
  for (const w of [Float64Array.of(3, 1), Float64Array.of(-0.1, 2)]) {
    const norms = [0, 1].map((i) => {
      const unit = new Float64Array(2);
      unit[i] = 1;
      return norm(into(2, (out) => lower.crossTransposed(w, theta, unit, out)));
    });
    near(lower.lipschitz?.(w, theta).crossNorm ?? 0, Math.max(...norms), 1e-12, "|J|");
  }
  assert.equal(lower.lipschitz?.(Float64Array.of(1, 1), theta).crossLipschitz, Math.exp(0.5));
});

test("total variation's third derivative is greatest at half its smoothing", () => {
  const image = { width: 2, height: 1, pixels: new Float64Array(2) };
  for (const [weight, smoothing] of [
    [0.5, 0.1],
    [2, 3],
  ] as const) {
    const theta = Float64Array.of(Math.log(weight), Math.log(smoothing));
    const lower = totalVariation(image);
    const v = Float64Array.of(-Math.SQRT1_2, Math.SQRT1_2);
    const at = (d: number) => quotient(lower, Float64Array.of(0, d), v, theta);
    const h = 1e-4 * smoothing;
    let most = 0;
    for (let share = 0; share < 2; share += 0.01)
      most = Math.max(most, Math.abs(at((share + 1e-4) * smoothing) - at((share - 1e-4) * smoothing)) / (2 * h));
    // One difference has |D|^2 = 2 where a whole image has 8, and moves by sqrt(2) for every 1 along v.
    const { hessianLipschitz = 0, crossLipschitz = 0 } = lower.lipschitz?.(Float64Array.of(0, 1), theta) ?? {};
    near(hessianLipschitz, 4 * Math.SQRT2 * most, 1e-3, "L_H");
    near(crossLipschitz, (8 * Math.SQRT2 * weight) / smoothing, 1e-12, "L_J");
  }
});
