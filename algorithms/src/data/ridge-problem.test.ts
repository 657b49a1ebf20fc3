/** The closed form: no gradient at its weights, and its response against differences. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../core/index.js";
import { drawRidgeRows, drawRidgeWeights, ridgeLoss, ridgeResponse, ridgeWeights } from "./ridge-problem.js";

const rng = createRng(1);
const truth = drawRidgeWeights({ dimension: 6, weightDeviation: 1, noise: 1 }, rng.fork("truth"));
const rows = drawRidgeRows(9, truth, 1, rng.fork("rows"));

it("has no slope at its weights", () => {
  const penalty = 0.3;
  const weights = ridgeWeights(rows, penalty);
  const objective = (w: Float64Array) => ridgeLoss(rows, w) + (penalty / 2) * w.reduce((sum, x) => sum + x * x, 0);
  for (let i = 0; i < weights.length; i++) {
    const moved = (shift: number) => objective(weights.map((x, j) => (i === j ? x + shift : x)));
    // A quadratic: central differences are exact but for rounding, 1e-16 / 1e-5.
    assert.ok(Math.abs(moved(1e-5) - moved(-1e-5)) / 2e-5 < 1e-9);
  }
});

it("has the response that differences give", () => {
  const [at, h] = [-0.7, 1e-5];
  const ahead = ridgeWeights(rows, Math.exp(at + h));
  const behind = ridgeWeights(rows, Math.exp(at - h));
  // Doubles: rounding 1e-15 / 1e-5, the third derivative times 1e-10.
  for (const [i, value] of ridgeResponse(rows, Math.exp(at)).entries()) {
    assert.ok(Math.abs(((ahead[i] ?? 0) - (behind[i] ?? 0)) / (2 * h) - value) < 1e-9);
  }
});
