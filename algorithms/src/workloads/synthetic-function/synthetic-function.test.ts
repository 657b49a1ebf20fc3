/** The functions at their published optima, and the learning curve. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { spec } from "./spec.js";
import { functionValue, module } from "./synthetic-function.js";

it("has the published optima", () => {
  assert.equal(functionValue("sphere", [0, 0]), 0);
  assert.equal(functionValue("rosenbrock", [1, 1, 1]), 0);
  assert.equal(functionValue("rosenbrock", [0, 0]), 1);
  // The published values have six digits.
  for (const [x, y] of [
    [-Math.PI, 12.275],
    [Math.PI, 2.275],
    [9.42478, 2.475],
  ] as const) {
    assert.ok(Math.abs(functionValue("branin", [x, y]) - 0.397887) < 1e-6);
  }
  const hartmann = [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573];
  assert.ok(Math.abs(functionValue("hartmann6", hartmann) + 3.32237) < 1e-5);
});

it("comes down to the function's value along its curve", () => {
  const options = spec.options.parse({ curveHeight: 8, curveSteps: 3 });
  const form = module.evaluate({ options, hyperparameters: { x0: 1, x1: 2 }, seed: 1 });
  assert.deepEqual(form.metrics(0), { value: 13, validLoss: 13 });
  assert.deepEqual(form.metrics(9), { value: 7, validLoss: 7 });
});
