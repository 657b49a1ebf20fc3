/** The data: flips as many as asked for and fixed, validation clean, rows of their images; and that BO-REP finds the flips. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noisyDigits } from "../../data/noisy-digits.js";
import { boRepDefaults, runBoRep } from "../../solvers/bo-rep/index.js";

import { module } from "./hyper-cleaning.js";
import { spec } from "./spec.js";

const options = spec.options.parse({
  trainSize: 300,
  validSize: 150,
  testSize: 200,
  classes: 3,
  units: 4,
  batchSize: 120,
  validBatchSize: 150,
});

test("a share of the training labels is wrong, the same ones every time, and no other label is", () => {
  const noisy = noisyDigits(options, 5);
  assert.deepEqual(noisyDigits(options, 5), noisy);
  assert.notDeepEqual(noisyDigits(options, 6).train.labels, noisy.train.labels);
  const truth = noisyDigits({ ...options, flipRate: 0 }, 5);
  assert.deepEqual(truth.train.features, noisy.train.features, "flips change no image");
  const wrong = truth.train.labels.filter((label, row) => label !== noisy.train.labels[row]).length;
  assert.equal(wrong, noisy.clean.filter((one) => !one).length);
  // 300 draws at 0.3: standard deviation 8; five of them.
  assert.ok(Math.abs(wrong - 90) < 40, `${wrong}`);
  assert.deepEqual([noisy.valid.labels, noisy.test.labels], [truth.valid.labels, truth.test.labels]);
  assert.ok([...noisy.train.labels, ...noisy.test.labels].every((label) => label < 3));
});

test("logits of wrong labels fall below those of right ones", () => {
  const problem = module.stochastic({ options, hyperparameters: {}, seed: 7 });
  const settings = { ...boRepDefaults, steps: 150, eta: 0.4, period: 5, innerSteps: 5, lowerRate: 0.2, adjointRate: 0.1 };
  const { x, y } = runBoRep(problem, settings);
  const at = { x: Float64Array.from(x), y: Float64Array.from(y) };
  const sums = Array.from({ length: problem.units }, (_, unit) => problem.evaluate(at, unit));
  const auc = sums.reduce((sum, one) => sum + (one[problem.metrics.indexOf("cleanAuc")] ?? 0), 0);
  // Chance gives 0.5 with a standard deviation of 0.04.
  assert.ok(auc > 0.75, `${auc}`);
});

test("a label's class is one of those wanted, and more images than there are can't be had", () => {
  assert.throws(() => noisyDigits({ ...options, classes: 2, trainSize: 20_000 }, 1), /are wanted/);
});
