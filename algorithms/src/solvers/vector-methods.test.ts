/** Small linear algebra and first-order methods against closed forms, in float64. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { createRng } from "../core/index.js";
import { beginLinear, conjugateGradient, continueLinear, type LinearSolution } from "./conjugate-gradient.js";
import { eigenvalues, solvePositive } from "./dense-symmetric.js";
import { norm } from "./lower-problem.js";
import { directionFrom, memoryOf, type PastPoint } from "./maid/direction.js";
import { VectorAdam, VectorMomentum, VectorRmsprop } from "./self-tuning/vector-optimizers.js";

const normals = (seed: number, count: number): Float64Array => {
  const out = new Float64Array(count);
  createRng(seed).fork("vector-methods").fillNormal(out);
  return out;
};
const times = (matrix: Float64Array, v: ArrayLike<number>): Float64Array => {
  const n = v.length;
  return Float64Array.from({ length: n }, (_, i) =>
    Array.from(v).reduce((sum, one, j) => sum + (matrix[i * n + j] ?? 0) * one, 0),
  );
};
/** A symmetric matrix with these eigenvalues: reflections of a diagonal one. */
function withEigenvalues(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  let matrix = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? (values[Math.floor(at / n)] ?? 0) : 0));
  for (let round = 0; round < 3; round++) {
    const v = normals(seed + round, n);
    const size = norm(v) ** 2;
    const reflection = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return (i === j ? 1 : 0) - (2 * (v[i] ?? 0) * (v[j] ?? 0)) / size;
    });
    const product = (a: Float64Array, b: Float64Array) =>
      Float64Array.from({ length: n * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        let sum = 0;
        for (let k = 0; k < n; k++) sum += (a[i * n + k] ?? 0) * (b[k * n + j] ?? 0);
        return sum;
      });
    matrix = product(product(reflection, matrix), reflection);
  }
  return matrix;
}

test("a positive system is solved to rounding, whatever its size, and what was given is left alone", () => {
  for (const n of [1, 2, 3, 7, 20]) {
    for (const seed of [1, 2, 3]) {
      const matrix = withEigenvalues(
        Array.from({ length: n }, (_, i) => 1 + i),
        seed,
      );
      const [kept, right] = [matrix.slice(), normals(seed + 50, n)];
      const wanted = right.slice();
      const x = solvePositive(matrix, right);
      // Cholesky is backward stable: the residual is some n units of rounding of |A| |x|, here at most 20 * 20 * 2e-16 * |x|.
      const residual = norm(times(matrix, x).map((one, i) => one - (right[i] ?? 0)));
      assert.ok(residual <= 1e-13 * (1 + norm(x)), `${residual}`);
      assert.deepEqual([matrix, right], [kept, wanted]);
    }
  }
});

test("a matrix that is not positive definite is refused, one that is hardly so is not", () => {
  for (const values of [[1, 2, -1e-3], [0, 1, 2], [-1]])
    assert.throws(
      () => solvePositive(Float64Array.from(values.length === 1 ? values : diagonal(values)), new Float64Array(values.length)),
      (error) => error instanceof RegulusError && error.code === "failed-precondition" && /positive definite/.test(error.message),
    );
  assert.deepEqual([...solvePositive(diagonal([1e-12, 4]), Float64Array.of(1e-12, 4))], [1, 1]);
});

const diagonal = (values: readonly number[]) =>
  Float64Array.from({ length: values.length ** 2 }, (_, at) =>
    at % (values.length + 1) === 0 ? (values[Math.floor(at / values.length)] ?? 0) : 0,
  );

test("eigenvalues are those that a matrix was made of, ascending, of any signs and sizes", () => {
  const lists = [[3], [2, -1], [0, 0, 5], [1e-6, 1, 1e6], Array.from({ length: 12 }, (_, i) => (i - 5) ** 3), [7, 7, 7, 7]];
  for (const [seed, values] of lists.entries()) {
    const matrix = withEigenvalues(values, 10 * seed);
    const kept = matrix.slice();
    const found = eigenvalues(matrix);
    const sorted = [...values].sort((a, b) => a - b);
    const most = Math.max(...values.map(Math.abs));
    for (const [i, one] of sorted.entries())
      assert.ok(Math.abs((found[i] ?? Number.NaN) - one) <= 1e-13 * most, `${found} and ${sorted}`);
    assert.deepEqual(matrix, kept);
  }
  assert.deepEqual([...eigenvalues(diagonal([4, -2, 3]))], [-2, 3, 4]);
});

test("conjugate gradient begins where it is told, gives up where it is told, and says so", () => {
  for (const seed of [1, 2, 3]) {
    const n = 12;
    const matrix = withEigenvalues(
      Array.from({ length: n }, (_, i) => 1 + i * 3),
      seed,
    );
    const b = normals(seed + 9, n);
    let products = 0;
    const apply = (v: Float64Array, out: Float64Array) => {
      products += 1;
      out.set(times(matrix, v));
    };
    const exact = solvePositive(matrix, b);
    const good = conjugateGradient(apply, b, { residual: 1e-10, iterationsMax: 100, start: exact });
    assert.deepEqual(
      [good.outcome, good.iterations, products],
      ["reached", 0, 1],
      "a start that is good enough costs one product",
    );
    const spent = conjugateGradient(apply, b, { residual: 1e-10, iterationsMax: 3 });
    assert.deepEqual([spent.outcome, spent.iterations], ["spent", 3]);
    assert.ok(Math.abs(spent.residual - norm(times(matrix, spent.q).map((one, i) => one - (b[i] ?? 0)))) < 1e-13);
    const stalled = conjugateGradient(apply, b, { residual: 1e-30, iterationsMax: 10_000 });
    assert.equal(stalled.outcome, "stalled");
    assert.ok(stalled.residual < 1e-12 && stalled.iterations < 300, `${stalled.residual} after ${stalled.iterations}`);
    const whole = conjugateGradient(apply, b, { residual: 1e-10, iterationsMax: 100, start: normals(seed, n) });
    // In exact arithmetic n steps are enough, and a restart or two for rounding.
    assert.ok(whole.outcome === "reached" && whole.iterations <= 2 * n, `${whole.iterations}`);
    // From a start that is far away, rounding spoils the recurrence: it begins again at the true residual.
    const far = normals(seed, n).map((one) => 1e8 * one);
    const again = conjugateGradient(apply, b, { residual: 1e-9, iterationsMax: 100, start: far });
    assert.ok(again.outcome === "reached" && again.iterations > n, `${again.outcome} after ${again.iterations}`);
    // It lowers the error in the matrix' own norm at every step.
    const errorAfter = (iterationsMax: number) => {
      const { q } = conjugateGradient(apply, b, { residual: 1e-10, iterationsMax });
      const error = q.map((one, i) => one - (exact[i] ?? 0));
      return Math.sqrt(error.reduce((sum, one, i) => sum + one * (times(matrix, error)[i] ?? 0), 0));
    };
    for (let steps = 1; steps < 8; steps++) assert.ok(errorAfter(steps) < errorAfter(steps - 1));
    const solve = beginLinear(n, normals(seed, n));
    let inParts: LinearSolution | undefined;
    let parts = 0;
    for (; inParts === undefined; parts++) {
      inParts = continueLinear(apply, b, solve, { residual: 1e-10, iterationsMax: 100 }, () => true);
    }
    assert.deepEqual(inParts, whole, "in parts it takes the same steps");
    assert.equal(parts, whole.iterations + 1, "one step a part, and the end");
  }
  const indefinite = conjugateGradient((v, out) => out.set(v.map((one) => -one)), Float64Array.of(1, 2), {
    residual: 1e-9,
    iterationsMax: 50,
  });
  assert.deepEqual([indefinite.outcome, indefinite.iterations], ["stalled", 0], "a direction without curvature is not followed");
  assert.deepEqual([...indefinite.q], [0, 0]);
  const flat = conjugateGradient((_, out) => void out.fill(0), Float64Array.of(1, 2), { residual: 1e-9, iterationsMax: 50 });
  assert.deepEqual([flat.outcome, ...flat.q], ["stalled", 0, 0], "nor one that is flat");
});

test("Adam's steps are those of its paper, worked out anew, and continue after a save", () => {
  for (const seed of [1, 2]) {
    const gradients = Array.from({ length: 30 }, (_, step) => normals(100 * seed + step, 3).map((one) => one * 10 ** (step % 4)));
    const values = Float64Array.of(1, -2, 3);
    const expected = [1, -2, 3];
    let adam = new VectorAdam(3, 0.02);
    for (const [step, gradient] of gradients.entries()) {
      if (step === 13) {
        const memory = JSON.parse(JSON.stringify(adam.save()));
        adam = new VectorAdam(3, 0.02);
        adam.restore(memory);
      }
      adam.update(values, gradient);
      for (let i = 0; i < 3; i++) {
        // Sums with the weights of exponential averages, and the bias taken out.
        const average = (beta: number, of: (g: number) => number) =>
          gradients.slice(0, step + 1).reduce((sum, g, k) => sum + (1 - beta) * beta ** (step - k) * of(g[i] ?? 0), 0) /
          (1 - beta ** (step + 1));
        expected[i] = (expected[i] ?? 0) - (0.02 * average(0.9, (g) => g)) / (Math.sqrt(average(0.999, (g) => g * g)) + 1e-8);
        assert.ok(Math.abs((values[i] ?? 0) - (expected[i] ?? 0)) < 1e-12, `step ${step}`);
      }
    }
    assert.throws(() => adam.restore({ updates: 1, mean: [1], square: [1] }), /one size/);
    assert.throws(() => adam.restore({ updates: 1, mean: [1, 2, 3], square: [1] }), /one size/);
  }
});

test("RMSprop and momentum take the steps of their definitions", () => {
  const gradients = Array.from({ length: 20 }, (_, step) => normals(step, 2));
  const [rms, ball] = [Float64Array.of(1, 2), Float64Array.of(1, 2)];
  const rmsprop = new VectorRmsprop(2, { learningRate: 0.1, decay: 0.95 });
  const momentum = new VectorMomentum(2, { learningRate: 0.1, momentum: 0.8, dampening: 0.3 });
  const expected = { rms: [1, 2], ball: [1, 2] };
  for (const [step, gradient] of gradients.entries()) {
    rmsprop.update(rms, gradient);
    momentum.update(ball, gradient);
    for (let i = 0; i < 2; i++) {
      const sum = (decay: number, of: (g: number) => number) =>
        gradients.slice(0, step + 1).reduce((all, g, k) => all + decay ** (step - k) * of(g[i] ?? 0), 0);
      const root = Math.sqrt(0.05 * sum(0.95, (g) => g * g));
      expected.rms[i] = (expected.rms[i] ?? 0) - (0.1 * (gradient[i] ?? 0)) / (root + 1e-8);
      expected.ball[i] = (expected.ball[i] ?? 0) - 0.1 * 0.3 * sum(0.8, (g) => g);
      assert.ok(Math.abs((rms[i] ?? 0) - (expected.rms[i] ?? 0)) < 1e-12);
      assert.ok(Math.abs((ball[i] ?? 0) - (expected.ball[i] ?? 0)) < 1e-12);
    }
  }
});

/** Points of a quadratic, whose hypergradients are its matrix times the points. */
function points(matrix: Float64Array, n: number, count: number): PastPoint[] {
  return Array.from({ length: count }, (_, at) => {
    const theta = [...normals(at + 3, n)];
    return { theta, hypergradient: [...times(matrix, theta)] };
  });
}

test("L-BFGS' direction is that of the dense BFGS formula over the same pairs", () => {
  const n = 4;
  const matrix = withEigenvalues([1, 3, 9, 27], 5);
  for (const count of [2, 3, 6, 11]) {
    const all = points(matrix, n, count);
    const [past, now] = [all.slice(0, -1), all.at(-1) ?? assert.fail()];
    const pairs = all.slice(1).map((point, i) => ({
      s: point.theta.map((one, j) => one - (all[i]?.theta[j] ?? 0)),
      y: point.hypergradient.map((one, j) => one - (all[i]?.hypergradient[j] ?? 0)),
    }));
    const inner = (a: readonly number[], b: readonly number[]) => a.reduce((sum, one, i) => sum + one * (b[i] ?? 0), 0);
    const newest = pairs.at(-1) ?? assert.fail();
    // H <- (I - r s y') H (I - r y s') + r s s', from <s, y> / <y, y> times the identity.
    let h = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => (i === j ? inner(newest.s, newest.y) / inner(newest.y, newest.y) : 0)),
    );
    for (const { s, y } of pairs) {
      const r = 1 / inner(s, y);
      const left = Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => (i === j ? 1 : 0) - r * (s[i] ?? 0) * (y[j] ?? 0)),
      );
      const product = (a: number[][], b: number[][]) =>
        a.map((row) =>
          row.map((_, j) =>
            inner(
              row,
              b.map((one) => one[j] ?? 0),
            ),
          ),
        );
      const right = left.map((_, i) => left.map((row) => row[i] ?? 0));
      h = product(product(left, h), right).map((row, i) => row.map((one, j) => one + r * (s[i] ?? 0) * (s[j] ?? 0)));
    }
    const { direction, stepLength } = directionFrom("l-bfgs", past, now, 0.3);
    assert.equal(stepLength, 1);
    const expected = h.map((row) => -inner(row, now.hypergradient));
    for (const [i, one] of expected.entries())
      assert.ok(Math.abs((direction[i] ?? 0) - one) < 1e-9 * (1 + Math.abs(one)), `${direction} and ${expected}`);
  }
});

test("Barzilai and Borwein's length is <s, s> / <s, y>, and the fallback where there is no past or no curvature", () => {
  const past = [{ theta: [1, 2], hypergradient: [1, 4] }];
  const now = { theta: [2, 4], hypergradient: [2, 8] };
  // s = (1, 2), y = (1, 4): 5 / 9.
  assert.deepEqual(directionFrom("barzilai-borwein", past, now, 0.3), { direction: [-2, -8], stepLength: 5 / 9 });
  assert.deepEqual(directionFrom("gradient", past, now, 0.3), { direction: [-2, -8], stepLength: 0.3 });
  const concave = { theta: [2, 4], hypergradient: [0, 0] };
  for (const kind of ["barzilai-borwein", "l-bfgs"] as const) {
    assert.deepEqual(directionFrom(kind, [], now, 0.3), { direction: [-2, -8], stepLength: 0.3 });
    assert.deepEqual(directionFrom(kind, past, concave, 0.3), { direction: [-0, -0], stepLength: 0.3 });
    assert.equal(
      directionFrom(kind, past, { theta: [5, 5], hypergradient: [1, 4] }, 0.3).stepLength,
      0.3,
      "no change of gradient",
    );
  }
  // A pair whose curvature is rounding alone says nothing.
  const nearlyFlat = { theta: [1 + 2 ** -42, 2], hypergradient: [2, 4] };
  assert.equal(directionFrom("barzilai-borwein", past, nearlyFlat, 0.3).stepLength, 0.3);
  assert.deepEqual((["gradient", "barzilai-borwein", "l-bfgs"] as const).map(memoryOf), [0, 1, 10]);
  // The newest pair has no curvature, an older one has: the older one still shapes the direction, the length falls back.
  const more = [...past, now];
  const back = { theta: [3, 5], hypergradient: [1, 7] };
  assert.equal(directionFrom("barzilai-borwein", more, back, 0.3).stepLength, 0.3);
  assert.notDeepEqual(directionFrom("l-bfgs", more, back, 0.3).direction, [-1, -7]);
});
