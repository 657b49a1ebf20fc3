/** STN-3 in small: centred coordinates make the response learnable wherever the coordinate lies. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../../core/index.js";
import { drawRidgeRows, drawRidgeWeights, ridgeResponse, ridgeWeights } from "../../data/ridge-problem.js";
import { RidgeResponse, type SelfTuningVariant } from "./ridge-response.js";

const penalty = Math.exp(-1);

/** Relative errors of weights and response after 500 steps at a penalty whose coordinate is shifted. */
function errorsAt(shift: number, variant: SelfTuningVariant, learningRate: number): readonly [weights: number, response: number] {
  const rng = createRng(4).fork("ridge");
  const truth = drawRidgeWeights({ dimension: 20, weightDeviation: 0.5, noise: 2 }, rng.fork("truth"));
  const train = drawRidgeRows(40, truth, 2, rng.fork("train"));
  const optimizer = { learningRate, momentum: 0.9, dampening: 0.1 };
  const learner = new RidgeResponse(train, variant, optimizer, rng.fork("weights"));
  const draws = rng.fork("draws");
  for (let step = 0; step < 500; step++) {
    const perturbed = Array.from({ length: 8 }, () => shift + 0.5 * draws.normal());
    learner.train(shift, perturbed, (at) => penalty * Math.exp(at - shift));
  }
  const gap = (seen: Float64Array, exact: Float64Array) =>
    Math.hypot(...exact.map((value, i) => value - (seen[i] ?? 0))) / Math.hypot(...exact);
  return [gap(learner.weightsAt(shift, shift), ridgeWeights(train, penalty)), gap(learner.slope, ridgeResponse(train, penalty))];
}

it("Delta-STN does not feel a shift, and its weights are those of plain training", () => {
  const [weights, response] = errorsAt(0, "delta-stn", 0.3);
  const [shiftedWeights, shiftedResponse] = errorsAt(-16, "delta-stn", 0.3);
  // Rounding of the coordinate, 16 times 1e-16, through 500 steps.
  assert.ok(Math.abs(weights - shiftedWeights) < 1e-9 && Math.abs(response - shiftedResponse) < 1e-9);
  assert.ok(weights < 1e-6 && response < 0.15, `${weights} ${response}`);
});

it("an uncentred network does, at any learning rate", () => {
  const errors = [0.003, 0.01, 0.03, 0.1].map((learningRate) => errorsAt(-8, "stn", learningRate));
  assert.ok(Math.min(...errors.map(([, response]) => response || 9)) > 0.3, `${errors}`);
});
