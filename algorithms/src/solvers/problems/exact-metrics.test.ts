/**
 * What problems say of a solution beyond the loss that is lowered: exact metrics of all splits, error rates and trusted heads, against loops over rows that
 * are written out here.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import type { LabelledRows } from "../../data/pooled-digits.js";
import { acceleratedGradient } from "../accelerated-gradient.js";
import type { StochasticProblem } from "../stochastic-problem.js";
import { createHyperCleaning, rankAuc } from "./hyper-cleaning.js";
import { createHyperRepresentation } from "./hyper-representation.js";
import { trustedHead } from "./trusted-head.js";

const [classes, width, mu] = [3, 5, 0.05];
const none = new Float64Array(0);

function drawRows(count: number, key: string, seed: number): LabelledRows {
  const rng = createRng(seed).fork(key);
  const features = new Float64Array(count * width);
  rng.fillNormal(features);
  return { count, width, features, labels: Uint8Array.from({ length: count }, () => rng.integer(classes)) };
}
const drawn = (size: number, key: string, seed: number): Float64Array => {
  const out = new Float64Array(size);
  createRng(seed).fork(key).fillNormal(out);
  return out;
};
const featuresOf = (rows: LabelledRows, row: number): readonly number[] => [
  ...rows.features.subarray(row * rows.width, (row + 1) * rows.width),
];
const logitsOf = (weights: Float64Array, features: readonly number[]): readonly number[] =>
  Array.from({ length: classes }, (_, c) =>
    features.reduce((sum, one, k) => sum + one * (weights[c * features.length + k] ?? 0), 0),
  );
const softmax = (logits: readonly number[]): readonly number[] => {
  const raised = logits.map(Math.exp);
  const sum = raised.reduce((all, one) => all + one, 0);
  return raised.map((one) => one / sum);
};

/** Mean cross entropy and share of errors. */
function judged(rows: LabelledRows, of: (row: number) => readonly number[]): readonly [loss: number, error: number] {
  let [loss, errors] = [0, 0];
  for (let row = 0; row < rows.count; row++) {
    const [logits, label] = [of(row), rows.labels[row] ?? 0];
    loss -= Math.log(softmax(logits)[label] ?? Number.NaN);
    errors += logits.indexOf(Math.max(...logits)) === label ? 0 : 1;
  }
  return [loss / rows.count, errors / rows.count];
}
const summed = (problem: StochasticProblem, at: (unit: number) => { x: Float64Array; y: Float64Array }) => {
  const all = Array.from({ length: problem.units }, (_, unit) => problem.evaluate(at(unit), unit));
  return problem.metrics.map((_, i) => all.reduce((sum, one) => sum + (one[i] ?? Number.NaN), 0));
};
const near = (found: readonly number[], expected: readonly number[], tolerance: number): void => {
  assert.equal(found.length, expected.length);
  for (const [i, one] of expected.entries())
    assert.ok(Math.abs((found[i] ?? Number.NaN) - one) <= tolerance, `number ${i}: ${found[i]} and ${one}`);
};

for (const seed of [1, 2, 3]) {
  test(`hyper-cleaning's metrics are losses and errors of whole splits, however they are cut into units, seed ${seed}`, () => {
    const [train, valid, test] = [drawRows(14, "train", seed), drawRows(9, "valid", seed), drawRows(11, "test", seed)];
    const clean = Array.from({ length: train.count }, (_, row) => row % 3 !== 0);
    const [x, y] = [drawn(train.count, "x", seed), drawn(classes * width, "y", seed)];
    const expected = [
      ...judged(valid, (row) => logitsOf(y, featuresOf(valid, row))),
      ...judged(test, (row) => logitsOf(y, featuresOf(test, row))),
      rankAuc(x, clean),
    ];
    for (const units of [1, 4, 9]) {
      const settings = { mu, units, batchSize: 4, validBatchSize: 4, seed, logit: 0.5 };
      const problem = createHyperCleaning({ classes, train, valid, test, clean }, settings);
      assert.deepEqual(problem.metrics, ["validLoss", "validError", "testLoss", "testError", "cleanAuc"]);
      // Sums of some dozen numbers about 1 in another order.
      near(
        summed(problem, () => ({ x, y })),
        expected,
        1e-13,
      );
      assert.deepEqual([new Set(problem.start.x), new Set(problem.start.y)], [new Set([0.5]), new Set([0])]);
    }
  });

  test(`kappa is the bound of its sum over samples, seed ${seed}`, () => {
    const train = drawRows(14, "train", seed);
    const squares = Array.from({ length: train.count }, (_, row) =>
      featuresOf(train, row).reduce((sum, one) => sum + one * one, 0),
    );
    const data = { classes, train, valid: train, test: train, clean: [] };
    const { kappa } = createHyperCleaning(data, { mu, units: 2, batchSize: 4, validBatchSize: 4, seed, logit: 0 });
    // A column by a logit is at most a quarter (of a sigmoid's slope) of |p - e| |f| / n, and |p - e| is at most sqrt(2).
    const columns = Math.sqrt(squares.reduce((sum, one) => sum + 2 * one * 0.25 ** 2, 0)) / train.count;
    assert.ok(Math.abs(kappa / (columns / mu) - 1) < 1e-12, `${kappa}`);
    const task = { support: train, query: train };
    const own = createHyperRepresentation([task], [task], { classes, features: 8, mu, batchSize: 4, seed });
    // |p - e| |z| and half the curvature of a softmax times |phi| |y|, |y|^2 being at most 2 log(classes) / mu, per longest input.
    const bound = Math.sqrt(Math.max(...squares)) * (Math.SQRT2 + 0.5 * 3 * Math.sqrt((2 * Math.log(classes)) / mu));
    assert.ok(Math.abs(own.kappa / (bound / mu) - 1) < 1e-12, `${own.kappa}`);
  });

  test(`a draw has as many rows of every unit as its share of the batch, and one at least, seed ${seed}`, () => {
    const rows = drawRows(40, "train", seed);
    const clean = new Array<boolean>(40).fill(true);
    const data = { classes, train: rows, valid: rows, test: rows, clean };
    /** Rows that a draw of one unit moves: those whose logits have a slope. */
    const moved = (units: number, batchSize: number) => {
      const problem = createHyperCleaning(data, { mu, units, batchSize, validBatchSize: 8, seed, logit: 0 });
      const at = { x: drawn(40, "x", seed), y: drawn(classes * width, "y", seed), z: drawn(classes * width, "z", seed) };
      return Array.from({ length: units }, (_, unit) => {
        const out = new Float64Array(40 / units);
        problem.direction(at, { draw: 3, unit }, out);
        return out.filter((one) => one !== 0).length;
      });
    };
    assert.deepEqual(moved(4, 12), [3, 3, 3, 3]);
    assert.deepEqual(moved(4, 1), [1, 1, 1, 1]);
    assert.deepEqual(moved(4, 400), [10, 10, 10, 10]);
    assert.deepEqual(moved(8, 20), [3, 3, 3, 3, 3, 3, 3, 3], "2.5 is rounded");
  });

  test(`hyper-representation's metrics are means over tasks, with heads refitted for tasks that are held out, seed ${seed}`, () => {
    const [hidden, tasks] = [3, 3];
    const taskOf = (which: string) => (task: number) => ({
      support: drawRows(8, `${which} support ${task}`, seed),
      query: drawRows(7, `${which} query ${task}`, seed),
    });
    const [seen, unseen] = [[0, 1, 2].map(taskOf("seen")), [0, 1, 2].map(taskOf("held out"))];
    const problem = createHyperRepresentation(seen, unseen, { classes, features: hidden, mu, batchSize: 100, seed });
    const x = drawn(problem.upperDim, "x", seed);
    const ys = Array.from({ length: tasks }, (_, task) => drawn(problem.lowerDim, `y ${task}`, seed));
    const represented = (rows: LabelledRows, row: number): readonly number[] => {
      const input = featuresOf(rows, row);
      const unit = (k: number) => Math.tanh(input.reduce((sum, one, i) => sum + one * (x[k * width + i] ?? 0), 0));
      return [...Array.from({ length: hidden }, (_, k) => unit(k)), 1];
    };
    /** The head of least penalized loss, by plain gradient steps: curvature is at most (hidden + 1) / 2 + mu. */
    const fitted = (rows: LabelledRows): Float64Array => {
      let y = new Float64Array(problem.lowerDim);
      const all = Array.from({ length: rows.count }, (_, row) => represented(rows, row));
      for (let step = 0; step < 1500; step++) {
        const gradient = y.map((one) => mu * one);
        for (const [row, features] of all.entries()) {
          const p = softmax(logitsOf(y, features));
          for (const [at, _] of gradient.entries()) {
            const [c, k] = [Math.floor(at / features.length), at % features.length];
            const error = (p[c] ?? 0) - (rows.labels[row] === c ? 1 : 0);
            gradient[at] = (gradient[at] ?? 0) + (error * (features[k] ?? 0)) / rows.count;
          }
        }
        y = y.map((one, at) => one - 0.4 * (gradient[at] ?? 0));
      }
      return y;
    };
    const mean = (of: (task: number) => readonly [number, number]) =>
      [0, 1].map((i) => Array.from({ length: tasks }, (_, task) => of(task)[i] ?? 0).reduce((sum, one) => sum + one / tasks, 0));
    const heads = unseen.map(({ support }) => fitted(support));
    const query = (all: readonly { readonly query: LabelledRows }[], task: number) => all[task]?.query ?? assert.fail();
    const judge = (rows: LabelledRows, y: Float64Array) => judged(rows, (row) => logitsOf(y, represented(rows, row)));
    const expected = [
      ...mean((task) => judge(query(seen, task), ys[task] ?? none)),
      ...mean((task) => judge(query(unseen, task), heads[task] ?? none)),
    ];
    const found = summed(problem, (unit) => ({ x, y: ys[unit] ?? none }));
    near(found.slice(0, 2), expected.slice(0, 2), 1e-13);
    // Heads are fitted to within 1e-4 of the best one, and a loss moves by at most some 2 sqrt(2) of that.
    near(found.slice(2), expected.slice(2), 3e-4);
    // Inputs of length about sqrt(width) meet weights of deviation 1 / sqrt(width).
    const network = createHyperRepresentation(seen, unseen, { classes, features: 400, mu, batchSize: 1, seed }).start.x;
    const square = network.reduce((sum, one) => sum + one * one, 0) / network.length;
    // The mean of 2,000 squares of normals over width: its relative deviation is sqrt(2 / 2000), here times 4.
    assert.ok(Math.abs(square * width - 1) < 0.13, `${square}`);
  });

  test(`a trusted head is right as often as it counts, weighs its samples, and bounds its curvature, seed ${seed}`, () => {
    const [train, test] = [drawRows(14, "train", seed), drawRows(30, "test", seed)];
    const data = { classes, train, valid: test, test, clean: [] };
    const x = drawn(train.count, "x", seed);
    for (const logits of [undefined, x]) {
      const { lower, accuracy } = trustedHead(data, mu, logits);
      const weight = (row: number) => (logits === undefined ? 1 : 1 / (1 + Math.exp(-(logits[row] ?? 0))));
      const y = drawn(classes * width, "y", seed);
      const error = judged(test, (row) => logitsOf(y, featuresOf(test, row)))[1];
      assert.ok(error > 0 && error < 1);
      assert.ok(Math.abs(accuracy(y) - (1 - error)) < 1e-12);
      const valueAt = (at: Float64Array) => {
        let sum = (mu / 2) * at.reduce((all, one) => all + one * one, 0);
        for (let row = 0; row < train.count; row++) {
          const p = softmax(logitsOf(at, featuresOf(train, row)));
          sum -= (weight(row) * Math.log(p[train.labels[row] ?? 0] ?? 0)) / train.count;
        }
        return sum;
      };
      assert.ok(Math.abs(lower.value(y, none) - valueAt(y)) < 1e-13);
      const gradientAt = (at: Float64Array) => {
        const out = new Float64Array(lower.dim).fill(7);
        lower.gradient(at, none, out);
        return out;
      };
      // Central differences at 1e-5 in float64: rounding 1e-11, third derivatives 1e-10.
      const h = 1e-5;
      const v = drawn(lower.dim, "v", seed);
      const shifted = (by: number) => y.map((one, i) => one + by * (v[i] ?? 0));
      const product = new Float64Array(lower.dim).fill(7);
      lower.hessianVector(y, none, v, product);
      const [ahead, behind] = [gradientAt(shifted(h)), gradientAt(shifted(-h))];
      const along = gradientAt(y).reduce((sum, one, i) => sum + one * (v[i] ?? 0), 0);
      assert.ok(Math.abs((valueAt(shifted(h)) - valueAt(shifted(-h))) / (2 * h) - along) < 1e-8);
      for (const [i, one] of product.entries())
        assert.ok(Math.abs(((ahead[i] ?? 0) - (behind[i] ?? 0)) / (2 * h) - one) < 1e-8, `${i}`);
      const squares = Array.from({ length: train.count }, (_, row) =>
        featuresOf(train, row).reduce((sum, one) => sum + one * one, 0),
      );
      const bound = mu + squares.reduce((sum, one, row) => sum + (weight(row) * one) / 2 / train.count, 0);
      assert.ok(Math.abs(lower.smoothness(none) - bound) < 1e-12 && lower.mu(none) === mu);
      const best = acceleratedGradient(lower, none, new Float64Array(lower.dim), { accuracy: 1e-6, iterationsMax: 10_000 });
      assert.equal(best.outcome, "reached");
      assert.ok(valueAt(best.x) < valueAt(best.x.map((one, i) => one + 1e-3 * (v[i] ?? 0))), "it is a least value");
    }
  });
}
