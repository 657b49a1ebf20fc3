/**
 * Every lower problem against central differences in float64: gradient, Hessian-vector and cross products, mu and L by Rayleigh quotients, the
 * Lipschitz constants by pairs of points; upper functions likewise.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, type Rng } from "../../core/index.js";
import { eigenvalues } from "../dense-symmetric.js";
import { dot, type LowerProblem, norm, type UpperFunction } from "../lower-problem.js";
import { expertsSmoothness, expertsThetaDim, fieldsOfExperts, operatorNorm2 } from "./fields-of-experts.js";
import { type FilterSide, filterSides } from "./filter-sides.js";
import { crossEntropyOf, errorRate, type LogisticRows, multinomialLogistic } from "./multinomial-logistic.js";
import { drawQuadratic } from "./quadratic.js";
import { logErrorTo, peakSignalToNoise, squaredErrorTo } from "./squared-error.js";
import { totalVariation } from "./total-variation.js";

/** The bar is 1e-3; central differences of step 1e-5 leave about 1e-9 from curvature and 1e-10 from rounding. */
const tolerance = 1e-6;
const step = 1e-5;

const normal = (rng: Rng, length: number, scale = 1): Float64Array => {
  const out = new Float64Array(length);
  rng.fillNormal(out);
  return out.map((one) => scale * one);
};

function rows(rng: Rng, count: number): LogisticRows {
  const labels = Uint8Array.from({ length: count }, (_, row) => row % 3);
  return { features: 8, classes: 3, inputs: normal(rng.fork("inputs"), count * 8), labels };
}

interface Case {
  readonly lower: LowerProblem;
  readonly theta: Float64Array;
  readonly x: Float64Array;
}

/** Twice as wide as the widest filter: on fewer places its operator is far below the bound for all sizes. */
const [width, height] = [16, 15];
const image = (rng: Rng) => ({ width, height, pixels: normal(rng.fork("image"), width * height, 0.3) });
const experts = (rng: Rng, side: FilterSide): Case => {
  const sizes = { filters: 2, side };
  const theta = normal(rng.fork("theta"), expertsThetaDim(sizes), 0.4);
  return { lower: fieldsOfExperts(image(rng), sizes), theta, x: normal(rng.fork("x"), width * height, 0.3) };
};
const cases: Readonly<Record<string, (rng: Rng) => Case>> = {
  quadratic: (rng) => ({
    lower: drawQuadratic({ rows: 30, dim: 5, thetaDim: 4, noise: 0.1, ridge: 0.3 }, rng).lower,
    theta: normal(rng.fork("theta"), 4),
    x: normal(rng.fork("x"), 5),
  }),
  "multinomial logistic": (rng) => ({
    lower: multinomialLogistic(rows(rng, 120)),
    theta: normal(rng.fork("theta"), 24),
    x: normal(rng.fork("x"), 24),
  }),
  "total variation": (rng) => ({
    lower: totalVariation(image(rng)),
    theta: Float64Array.from([-1.2, -1.7], (one) => one + 0.3 * rng.fork("theta", one).normal()),
    x: normal(rng.fork("x"), width * height, 0.3),
  }),
  ...Object.fromEntries(filterSides.map((side) => [`fields of experts ${side}x${side}`, (rng: Rng) => experts(rng, side)])),
};

const plus = (x: Float64Array, v: Float64Array, by: number): Float64Array => x.map((one, i) => one + by * (v[i] ?? 0));

/** Relative distance of two vectors. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [one, other] = [Float64Array.from(a), Float64Array.from(b)];
  return norm(plus(one, other, -1)) / norm(other);
}

const into = (length: number, write: (out: Float64Array) => void): Float64Array => {
  const out = new Float64Array(length).fill(7); // outputs are written, not added to
  write(out);
  return out;
};

for (const [name, draw] of Object.entries(cases)) {
  for (const seed of [1, 2, 3]) {
    test(`${name}: products agree with differences, and mu and L with quotients, seed ${seed}`, () => {
      const rng = createRng(seed);
      const { lower, theta, x } = draw(rng);
      assert.deepEqual([lower.dim, lower.thetaDim], [x.length, theta.length]);
      const gradient = (at: Float64Array, t = theta) => into(lower.dim, (out) => lower.gradient(at, t, out));
      const gradientHere = gradient(x);
      for (let trial = 0; trial < 4; trial++) {
        const v = normal(rng.fork("v", trial), lower.dim);
        const slope = (lower.value(plus(x, v, step), theta) - lower.value(plus(x, v, -step), theta)) / (2 * step);
        assert.ok(Math.abs(slope - dot(gradientHere, v)) <= tolerance * norm(gradientHere) * norm(v), "gradient");

        const product = into(lower.dim, (out) => lower.hessianVector(x, theta, v, out));
        const ahead = gradient(plus(x, v, step));
        const behind = gradient(plus(x, v, -step));
        assert.ok(
          apart(
            product,
            plus(ahead, behind, -1).map((one) => one / (2 * step)),
          ) <= tolerance,
          "Hessian-vector product",
        );
        const quotient = dot(v, product) / dot(v, v);
        assert.ok(lower.mu(theta) <= quotient * (1 + 1e-9) && quotient <= lower.smoothness(theta) * (1 + 1e-9));
        if (lower.hessianAt !== undefined) {
          const apply = lower.hessianAt(x, theta);
          assert.deepEqual(
            into(lower.dim, (out) => apply(v, out)),
            product,
          );
        }

        const q = normal(rng.fork("q", trial), lower.dim);
        const cross = into(lower.thetaDim, (out) => lower.crossTransposed(x, theta, q, out));
        const direction = normal(rng.fork("direction", trial), lower.thetaDim);
        const moved = plus(gradient(x, plus(theta, direction, step)), gradient(x, plus(theta, direction, -step)), -1);
        const expected = dot(moved, q) / (2 * step);
        assert.ok(Math.abs(dot(cross, direction) - expected) <= tolerance * norm(cross) * norm(direction), "cross product");
      }
      // Power iteration from below against L from above: within a factor, so that a bound a hundred times too large is seen.
      let v = normal(rng.fork("power"), lower.dim);
      let largest = 0;
      for (let k = 0; k < 60; k++) {
        const product = into(lower.dim, (out) => lower.hessianVector(new Float64Array(lower.dim), theta, v, out));
        largest = norm(product) / norm(v);
        v = product.map((one) => one / norm(product));
      }
      assert.ok(largest <= lower.smoothness(theta) * (1 + 1e-9), `largest curvature ${largest}, L ${lower.smoothness(theta)}`);
      assert.ok(lower.smoothness(theta) <= 4 * largest, `largest curvature ${largest}, L ${lower.smoothness(theta)}`);
    });

    const { lower, theta, x } = draw(createRng(seed));
    const constants = lower.lipschitz?.(x, theta);
    if (constants === undefined) continue;
    test(`${name}: its Lipschitz constants hold between near and far points, seed ${seed}`, () => {
      const rng = createRng(seed).fork("pairs");
      for (const [trial, far] of [1e-3, 0.1, 1].entries()) {
        const move = normal(rng.fork("move", trial), lower.dim, far);
        const other = plus(x, move, 1);
        const unit = (length: number) => {
          const v = normal(rng.fork("unit", trial), length);
          return v.map((one) => one / norm(v));
        };
        const [v, q] = [unit(lower.dim), unit(lower.dim)];
        const products = [x, other].map((at) => into(lower.dim, (out) => lower.hessianVector(at, theta, v, out)));
        const crosses = [x, other].map((at) => into(lower.thetaDim, (out) => lower.crossTransposed(at, theta, q, out)));
        const [p0, p1, c0, c1] = [products[0] ?? v, products[1] ?? v, crosses[0] ?? v, crosses[1] ?? v];
        const room = 1e-9;
        assert.ok(norm(plus(p1, p0, -1)) <= constants.hessianLipschitz * norm(move) + room * norm(p0));
        assert.ok(norm(c0) <= constants.crossNorm * (1 + room));
        assert.ok(norm(plus(c1, c0, -1)) <= constants.crossLipschitz * norm(move) + room * norm(c0));
      }
    });
  }
}

const uppers: Readonly<Record<string, (rng: Rng) => UpperFunction>> = {
  "squared error": (rng) => squaredErrorTo(normal(rng.fork("truth"), 24)),
  "log error": (rng) => logErrorTo(normal(rng.fork("truth"), 24), 0.5),
  "cross entropy": (rng) => crossEntropyOf(rows(rng, 50)),
};
for (const [name, draw] of Object.entries(uppers))
  test(`${name}: gradient, smoothness and convexity hold`, () => {
    for (const seed of [1, 2, 3]) {
      const rng = createRng(seed);
      const upper = draw(rng);
      const gradient = (at: Float64Array) => into(24, (out) => upper.gradient(at, out));
      for (let trial = 0; trial < 5; trial++) {
        const [x, v] = [normal(rng.fork("x", trial), 24), normal(rng.fork("v", trial), 24)];
        const slope = (upper.value(plus(x, v, step)) - upper.value(plus(x, v, -step))) / (2 * step);
        assert.ok(Math.abs(slope - dot(gradient(x), v)) <= tolerance * norm(gradient(x)) * norm(v));
        const rise = upper.value(plus(x, v, 1)) - upper.value(x) - dot(gradient(x), v);
        assert.ok(Math.abs(rise) <= 0.5 * upper.smoothness * dot(v, v) * (1 + 1e-9));
        if (upper.convex) assert.ok(rise >= -1e-12);
      }
    }
  });

/** Largest eigenvalue of C'C for one filter on a square image, less what `shown` leaves out of its pixels. */
function filterNorm2(
  taps: Float64Array,
  side: FilterSide,
  size: number,
  shown: (row: number, column: number) => boolean,
): number {
  // Through the Hessian at weight and smoothing 1 and x = 0: I + C'C.
  const theta = Float64Array.of(0, 0, 0, ...taps);
  const zeros = new Float64Array(size * size);
  const lower = fieldsOfExperts({ width: size, height: size, pixels: zeros }, { filters: 1, side });
  const apply = lower.hessianAt?.(zeros, theta);
  assert.ok(apply !== undefined);
  const masked = (v: Float64Array) => v.map((one, i) => (shown(Math.floor(i / size), i % size) ? one : 0));
  let v = masked(normal(createRng(1), size * size));
  let largest = 0;
  for (let k = 0; k < 300; k++) {
    const product = masked(into(size * size, (out) => apply(v, out)));
    largest = norm(product) / norm(v) - 1;
    v = product.map((one) => one / norm(product));
  }
  return largest;
}

const meanFree = (taps: Float64Array): Float64Array => {
  const mean = taps.reduce((sum, one) => sum + one, 0) / taps.length;
  return taps.map((one) => one - mean);
};

test("the filters' operator norm away from edges is never below the matrix's, nor half above it on large images", () => {
  for (const side of filterSides) {
    const taps = meanFree(normal(createRng(side), side * side));
    const size = 5 * side;
    // Images that are zero near the edges, so that what is mirrored there is zero too.
    const isInside = (i: number) => i >= side / 2 && i < size - side / 2;
    const largest = filterNorm2(taps, side, size, (row, column) => isInside(row) && isInside(column));
    const bound = operatorNorm2(taps, [1], side);
    assert.ok(largest <= bound && bound <= 1.5 * largest, `side ${side}: ${largest} and ${bound}`);
  }
});

test("smoothness holds at edges, for filters that mirrored pixels make two and three times as steep as it is inside", () => {
  /** Climbed to from random ones, until the curvature at the edges was 2.06 and 3.04 times that inside. */
  const steep: Readonly<Record<3 | 5, readonly number[]>> = {
    3: [1.01, -0.04, 0.92, 0.34, 0.02, 0.12, -3.29, -0.15, 1.07],
    5: [
      0.47, -0.31, -0.53, -0.23, 1.09, 1.33, -2.49, 0.15, 2.04, -0.13, 0.5, -0.25, 1.21, 0.12, 0.82, 0.55, 2.51, 0.81, 0.35,
      -0.18, -4.74, -1.91, -1.49, -0.1, 0.39,
    ],
  };
  for (const side of [3, 5] as const)
    for (const taps of [steep[side], ...[1, 2, 3, 4, 5].map((seed) => normal(createRng(seed), side * side))]) {
      const size = 6 * side;
      const filter = meanFree(Float64Array.from(taps));
      const largest = 1 + filterNorm2(filter, side, size, () => true);
      const theta = Float64Array.of(0, 0, 0, ...filter);
      const lower = fieldsOfExperts({ width: size, height: size, pixels: new Float64Array(size * size) }, { filters: 1, side });
      const smoothness = lower.smoothness(theta);
      assert.ok(largest <= smoothness && smoothness <= 2 * largest, `side ${side}: ${largest} and ${smoothness}`);
      if (taps === steep[side]) assert.ok(largest > 1.9 * operatorNorm2(filter, [1], side), "steeper at the edges than inside");
    }
});

test("a smoothness that images share is that of the hyperparameters asked about, whatever was asked before", () => {
  const sizes = { filters: 2, side: 3 } as const;
  const shared = expertsSmoothness(sizes);
  const thetas = [1, 2].map((seed) => normal(createRng(seed), expertsThetaDim(sizes)));
  for (const theta of [...thetas, ...thetas, ...thetas.slice(1)]) assert.equal(shared(theta), expertsSmoothness(sizes)(theta));
  // Hyperparameters that were changed where they lie are others.
  const [first = new Float64Array(0)] = thetas;
  const before = shared(first);
  first[1] = (first[1] ?? 0) + 1;
  assert.ok(shared(first) > before);
});

test("PSNR and error rate, worked out by hand", () => {
  assert.ok(Math.abs(peakSignalToNoise(new Float64Array(100).fill(0.1), new Float64Array(100)) - 20) < 1e-9);
  const two: LogisticRows = { features: 1, classes: 2, inputs: Float64Array.of(1, -1, 1), labels: Uint8Array.of(0, 0, 1) };
  assert.equal(errorRate(two, Float64Array.of(1, -1)), 2 / 3);
});

test("eigenvalues of a matrix that was built from them", () => {
  // A reflection of a diagonal: H D H with H = I - 2 u u'.
  const [n, rng] = [12, createRng(1)];
  const given = Float64Array.from({ length: n }, (_, i) => 10 ** (i / 3));
  const u = normal(rng, n);
  const h = (i: number, j: number) => (i === j ? 1 : 0) - (2 * (u[i] ?? 0) * (u[j] ?? 0)) / dot(u, u);
  const matrix = Float64Array.from({ length: n * n }, (_, place) => {
    const [i, j] = [Math.floor(place / n), place % n];
    return given.reduce((sum, value, k) => sum + h(i, k) * value * h(j, k), 0);
  });
  // Jacobi is off by about n u times the largest.
  for (const [i, value] of eigenvalues(matrix).entries())
    assert.ok(Math.abs(value - (given[i] ?? 0)) <= 1e-11 * (given[n - 1] ?? 0));
});
