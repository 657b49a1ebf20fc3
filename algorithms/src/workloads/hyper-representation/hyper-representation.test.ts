/** Tasks as they should be drawn, quarter turns that are exact, and a network that BO-REP makes better on tasks it never saw. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { trainDigits } from "../../data/mnist-digits.js";
import { pooledDigits } from "../../data/pooled-digits.js";
import { boRepDefaults, runBoRep } from "../../solvers/bo-rep/index.js";
import { drawTask, module } from "./hyper-representation.js";
import { spec } from "./spec.js";

test("a task has its classes under numbers of its own, as many images of each as asked for", () => {
  const options = spec.options.parse({ classes: 4, shots: 3, queries: 2 });
  const { support, query } = drawTask(trainDigits(), options, createRng(3));
  assert.deepEqual([...support.labels], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  assert.deepEqual([...query.labels], [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual(drawTask(trainDigits(), options, createRng(3)).support.features, support.features);
});

test("four quarter turns give the image back, and one turns it", () => {
  const turned = (turns: number) => pooledDigits(trainDigits(), [11], { side: 7, turns }).features;
  assert.deepEqual(turned(4), turned(0));
  const [still, once] = [turned(0), turned(1)];
  for (let i = 0; i < 7; i++) {
    // Anticlockwise: the right column becomes the top row.
    for (let j = 0; j < 7; j++) assert.equal(once[i * 7 + j], still[j * 7 + 6 - i]);
  }
  assert.equal(once[49], 1, "the bias stays");
});

test("the network gets better on tasks that it never saw", () => {
  const options = spec.options.parse({ tasks: 6, classes: 3, queries: 5, side: 4, features: 6 });
  const problem = module.stochastic({ options, hyperparameters: {}, seed: 2 });
  const testLoss = (x: ArrayLike<number>) => {
    const at = { x: Float64Array.from(x), y: problem.start.y };
    return Array.from({ length: problem.units }, (_, unit) => problem.evaluate(at, unit)[2] ?? Number.NaN).reduce(
      (a, b) => a + b,
      0,
    );
  };
  const settings = { ...boRepDefaults, steps: 150, eta: 0.05, innerSteps: 5, lowerRate: 0.5, adjointRate: 0.2 };
  const { x } = runBoRep(problem, settings);
  const [before, after] = [testLoss(problem.start.x), testLoss(x)];
  assert.ok(after < 0.95 * before, `${before} to ${after}`);
});
