/**
 * Hyper-cleaning and hyper-representation against differences: their gradients against a loss written down anew here, Hessian-vector and cross
 * products against differences of gradients, minibatches against the whole. And that no cut of units changes a bit of a run.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRng } from "../../core/index.js";
import type { LabelledRows } from "../../data/pooled-digits.js";
import { acceleratedGradient } from "../accelerated-gradient.js";
import { boRepDefaults, runBoRep } from "../bo-rep/index.js";
import type { StochasticProblem } from "../stochastic-problem.js";
import { createHyperCleaning, rankAuc } from "./hyper-cleaning.js";
import { createHyperRepresentation } from "./hyper-representation.js";
import { trustedHead } from "./trusted-head.js";

const classes = 3;
const mu = 0.05;
const all = 1000;

function drawRows(count: number, width: number, key: string, seed: number): LabelledRows {
  const rng = createRng(seed).fork(key);
  const features = new Float64Array(count * width);
  rng.fillNormal(features);
  for (let row = 0; row < count; row++) features[row * width + width - 1] = 1;
  return { count, width, features, labels: Uint8Array.from({ length: count }, () => rng.integer(classes)) };
}

function drawVector(size: number, key: string, seed: number, scale = 1): Float64Array {
  const out = new Float64Array(size);
  createRng(seed).fork(key).fillNormal(out);
  return out.map((value) => scale * value);
}

interface Case {
  readonly name: string;
  readonly problem: (seed: number, batchSize: number) => StochasticProblem;
  /** g and f at a unit (or of all, where y is shared), written without the code under test. */
  readonly losses: (seed: number, x: Float64Array, y: Float64Array) => { lower: number; upper: number };
}

const sizes = { train: 14, valid: 9, width: 5 };
const cleaningRows = (seed: number) => ({
  train: drawRows(sizes.train, sizes.width, "train", seed),
  valid: drawRows(sizes.valid, sizes.width, "valid", seed),
});
const hidden = 3;
const taskRows = (seed: number, task: number) => ({
  support: drawRows(8, sizes.width, `support ${task}`, seed),
  query: drawRows(7, sizes.width, `query ${task}`, seed),
});

/** -log softmax(W f)[label], the plain way. */
function crossEntropy(weights: Float64Array, features: readonly number[], label: number): number {
  const logits = Array.from({ length: classes }, (_, c) =>
    features.reduce((sum, value, k) => sum + value * (weights[c * features.length + k] ?? 0), 0),
  );
  return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - (logits[label] ?? 0);
}

const rowOf = ({ features, width }: LabelledRows, row: number): number[] => [
  ...features.subarray(row * width, (row + 1) * width),
];
const squares = (y: Float64Array) => y.reduce((sum, value) => sum + value * value, 0);

const cases: readonly Case[] = [
  {
    name: "hyper-cleaning",
    problem: (seed, batchSize) => {
      const { train, valid } = cleaningRows(seed);
      const clean = Array.from({ length: sizes.train }, (_, row) => row % 3 !== 0);
      const data = { classes, train, valid, test: valid, clean };
      return createHyperCleaning(data, { mu, units: 4, batchSize, validBatchSize: batchSize, seed, logit: 1 });
    },
    losses: (seed, x, y) => {
      const { train, valid } = cleaningRows(seed);
      let [lower, upper] = [(mu / 2) * squares(y), 0];
      for (let row = 0; row < train.count; row++) {
        lower += crossEntropy(y, rowOf(train, row), train.labels[row] ?? 0) / (1 + Math.exp(-(x[row] ?? 0))) / train.count;
      }
      for (let row = 0; row < valid.count; row++)
        upper += crossEntropy(y, rowOf(valid, row), valid.labels[row] ?? 0) / valid.count;
      return { lower, upper };
    },
  },
  {
    name: "hyper-representation",
    problem: (seed, batchSize) => {
      const tasks = [0, 1, 2].map((task) => taskRows(seed, task));
      return createHyperRepresentation(tasks, tasks, { classes, features: hidden, mu, batchSize, seed });
    },
    losses: (seed, x, y) => {
      const { support, query } = taskRows(seed, 0);
      const featuresOf = (rows: LabelledRows, row: number) => {
        const input = rowOf(rows, row);
        const units = Array.from({ length: hidden }, (_, unit) =>
          Math.tanh(input.reduce((sum, value, k) => sum + value * (x[unit * input.length + k] ?? 0), 0)),
        );
        return [...units, 1];
      };
      const mean = (rows: LabelledRows) => {
        let sum = 0;
        for (let row = 0; row < rows.count; row++) sum += crossEntropy(y, featuresOf(rows, row), rows.labels[row] ?? 0);
        return sum / rows.count;
      };
      return { lower: mean(support) + (mu / 2) * squares(y), upper: mean(query) };
    },
  },
];

/** Estimates of all units together, or of task 0 where tasks own their y. */
function estimates(problem: StochasticProblem, at: { x: Float64Array; y: Float64Array; z: Float64Array }, draw = 0) {
  const gradient = new Float64Array(problem.lowerDim);
  const residual = new Float64Array(problem.lowerDim);
  const direction = new Float64Array(problem.upperDim);
  let [upperLoss, smoothness] = [0, 0];
  for (let unit = 0; unit < (problem.lower === "owned" ? 1 : problem.units); unit++) {
    problem.lowerGradient(at, { draw, unit }, gradient);
    const numbers = problem.adjointResidual(at, { draw, unit }, residual);
    upperLoss += numbers.upperLoss;
    smoothness += numbers.smoothness;
    const { from, to } = problem.upperRange?.(unit) ?? { from: 0, to: problem.upperDim };
    problem.direction(at, { draw, unit }, direction.subarray(from, to));
  }
  return { gradient, residual, direction, upperLoss, smoothness };
}

/** Central differences at 1e-5 in float64: rounding 1e-16 / 1e-5, third derivatives about 1 times 1e-10. */
const h = 1e-5;
const tolerance = 1e-8;

function close(seen: Float64Array, difference: (i: number) => number): void {
  for (let i = 0; i < seen.length; i++) {
    const expected = difference(i);
    assert.ok(Math.abs((seen[i] ?? 0) - expected) < tolerance, `place ${i}: ${seen[i]} for ${expected}`);
  }
}

const moved = (values: Float64Array, i: number, by: number) => values.map((value, at) => (at === i ? value + by : value));

for (const { name, problem: create, losses } of cases) {
  describe(name, () => {
    for (const seed of [1, 2, 3]) {
      test(`gradients, Hessian-vector and cross products agree with differences, seed ${seed}`, () => {
        const problem = create(seed, all);
        const x = drawVector(problem.upperDim, "x", seed);
        const y = drawVector(problem.lowerDim, "y", seed, 0.5);
        const z = drawVector(problem.lowerDim, "z", seed);
        const zero = new Float64Array(problem.lowerDim);
        const { gradient, residual, direction, upperLoss } = estimates(problem, { x, y, z });
        const still = estimates(problem, { x, y, z: zero });
        const at = (shiftedX: Float64Array, shiftedY: Float64Array) => losses(seed, shiftedX, shiftedY);
        assert.ok(Math.abs(upperLoss - at(x, y).upper) < 1e-12);
        close(gradient, (i) => (at(x, moved(y, i, h)).lower - at(x, moved(y, i, -h)).lower) / (2 * h));
        // At z = 0 the residual is -grad_y f and the direction is grad_x f.
        close(still.residual, (i) => -(at(x, moved(y, i, h)).upper - at(x, moved(y, i, -h)).upper) / (2 * h));
        close(still.direction, (j) => (at(moved(x, j, h), y).upper - at(moved(x, j, -h), y).upper) / (2 * h));
        // H z from gradients of g along z, and J' z from <grad_y g, z> along x.
        const gradientAt = (px: Float64Array, py: Float64Array) => estimates(problem, { x: px, y: py, z: zero }).gradient;
        const along = (by: number) =>
          gradientAt(
            x,
            y.map((value, i) => value + by * (z[i] ?? 0)),
          );
        const [ahead, behind] = [along(h), along(-h)];
        close(
          residual.map((value, i) => value - (still.residual[i] ?? 0)),
          (i) => ((ahead[i] ?? 0) - (behind[i] ?? 0)) / (2 * h),
        );
        const inner = (px: Float64Array) => gradientAt(px, y).reduce((sum, value, i) => sum + value * (z[i] ?? 0), 0);
        close(
          direction.map((value, j) => (still.direction[j] ?? 0) - value),
          (j) => (inner(moved(x, j, h)) - inner(moved(x, j, -h))) / (2 * h),
        );
      });

      test(`minibatches average to the whole, and their bound of curvature holds, seed ${seed}`, () => {
        const [whole, some] = [create(seed, all), create(seed, 4)];
        const at = {
          x: drawVector(whole.upperDim, "x", seed),
          y: drawVector(whole.lowerDim, "y", seed, 0.5),
          z: drawVector(whole.lowerDim, "z", seed),
        };
        const expected = estimates(whole, at);
        const draws = 4000;
        const sums = { gradient: new Float64Array(whole.lowerDim), direction: new Float64Array(whole.upperDim) };
        const spread = { gradient: 0, direction: 0 };
        for (let draw = 0; draw < draws; draw++) {
          const estimate = estimates(some, at, draw);
          for (const part of ["gradient", "direction"] as const) {
            estimate[part].forEach((value, i) => {
              sums[part][i] = (sums[part][i] ?? 0) + value / draws;
              spread[part] += (value - (expected[part][i] ?? 0)) ** 2 / draws;
            });
          }
          if (draw > 50) continue;
          const norm = Math.sqrt(squares(at.z));
          const still = estimates(some, { ...at, z: new Float64Array(whole.lowerDim) }, draw).residual;
          const product = Math.sqrt(squares(estimate.residual.map((value, i) => value - (still[i] ?? 0))));
          assert.ok(product <= estimate.smoothness * norm * (1 + 1e-12), "|H z| <= smoothness |z|");
        }
        for (const part of ["gradient", "direction"] as const) {
          const error = Math.sqrt(squares(sums[part].map((value, i) => value - (expected[part][i] ?? 0))));
          // The error of the mean is its standard error at most times 4, but for one case in thousands; the seeds are fixed.
          assert.ok(error < 4 * Math.sqrt(spread[part] / draws), `${part}: ${error}`);
          assert.ok(spread[part] > 0, "it was a minibatch");
        }
      });
    }

    test("a run has the same bits however units are cut", () => {
      const problem = create(4, 4);
      const settings = { ...boRepDefaults, steps: 12, eta: 0.1, adjointRate: 0.1 };
      const { units } = problem;
      const runs = [[0, units], [0, 1, units], [0, 2, units], Array.from({ length: units + 1 }, (_, edge) => edge)].map(
        (cuts) => {
          const trace: string[] = [];
          runBoRep(problem, settings, {
            cuts,
            observe: (state) => {
              trace.push(JSON.stringify(state));
              return false;
            },
          });
          return trace;
        },
      );
      assert.equal(runs[0]?.length, 12);
      for (const trace of runs) assert.deepEqual(trace, runs[0]);
    });
  });
}

test("the rank statistic counts pairs, ties half", () => {
  assert.equal(rankAuc([1, 2, 3, 4], [false, false, true, true]), 1);
  assert.equal(rankAuc([4, 3, 2, 1], [false, false, true, true]), 0);
  assert.equal(rankAuc([1, 1, 1, 1], [false, true, true, false]), 0.5);
  assert.equal(rankAuc([1, 3, 2, 4], [false, false, true, true]), 0.75);
  assert.equal(rankAuc([1, 2], [true, true]), 0.5);
});

for (const seed of [1, 2, 3]) {
  test(`the exact head has the gradient of all samples, and its solution moves by no more than kappa says, seed ${seed}`, () => {
    const { train, valid } = cleaningRows(seed);
    const data = { classes, train, valid, test: valid, clean: [] };
    const settings = { mu, units: 4, batchSize: all, validBatchSize: all, seed, logit: 1 };
    const problem = createHyperCleaning({ ...data, clean: new Array<boolean>(sizes.train).fill(true) }, settings);
    const x = drawVector(problem.upperDim, "x", seed);
    const y = drawVector(problem.lowerDim, "y", seed);
    const none = new Float64Array(0);
    const { lower } = trustedHead(data, mu, x);
    const gradient = new Float64Array(lower.dim);
    lower.gradient(y, none, gradient);
    const expected = estimates(problem, { x, y, z: new Float64Array(lower.dim) }).gradient;
    // The same sums in another order.
    for (const [i, value] of gradient.entries()) assert.ok(Math.abs(value - (expected[i] ?? 0)) < 1e-13);
    close(gradient, (i) => (lower.value(moved(y, i, h), none) - lower.value(moved(y, i, -h), none)) / (2 * h));
    const solutionAt = (logits: Float64Array) => {
      const exact = { accuracy: 1e-9, iterationsMax: 100_000 };
      return acceleratedGradient(trustedHead(data, mu, logits).lower, none, new Float64Array(lower.dim), exact).x;
    };
    const there = drawVector(problem.upperDim, "there", seed);
    const here = solutionAt(x);
    const distance = Math.sqrt(squares(solutionAt(there).map((value, i) => value - (here[i] ?? 0))));
    const step = Math.sqrt(squares(there.map((value, i) => value - (x[i] ?? 0))));
    assert.ok(distance > 0 && distance <= problem.kappa * step, `${distance} over ${step}, kappa ${problem.kappa}`);
  });
}
