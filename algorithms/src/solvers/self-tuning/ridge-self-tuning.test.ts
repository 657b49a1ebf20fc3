/** STN-1 and the entropy half of STN-2 on one small problem: one run finds the best penalty, and without entropy the scale collapses. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../../core/index.js";
import { drawRidgeRows, drawRidgeWeights, ridgeLoss, ridgeResponse, ridgeWeights } from "../../data/ridge-problem.js";
import { type RidgeSelfTuning, tuneRidge } from "./ridge-self-tuning.js";

// The first seed whose problem has a bad start; found/best is at most 1.0003 on seeds 1 to 8.
const rng = createRng(3).fork("ridge");
const truth = drawRidgeWeights({ dimension: 20, weightDeviation: 0.5, noise: 2 }, rng.fork("truth"));
const train = drawRidgeRows(40, truth, 2, rng.fork("train"));
const tune = drawRidgeRows(40, truth, 2, rng.fork("tune"));
const settings: RidgeSelfTuning = {
  variant: "stn",
  start: -4,
  scale: 1,
  learnScale: true,
  entropyWeight: 1e-3,
  warmUpSteps: 200,
  trainSteps: 5,
  tuningSteps: 4000,
};
const exact = (coordinate: number) => ridgeLoss(tune, ridgeWeights(train, Math.exp(coordinate)));
const best = Math.min(...Array.from({ length: 281 }, (_, i) => exact(-7 + i / 20)));

for (const variant of ["stn", "delta-stn"] as const)
  it(`${variant}: one run finds the penalty of least validation loss, and the response there`, () => {
    const { coordinate, response } = tuneRidge(train, tune, { ...settings, variant }, rng.fork("run"));
    assert.ok(exact(settings.start) > 1.5 * best, "the start is bad");
    assert.ok(exact(coordinate) <= 1.005 * best, "STN-1's own threshold");
    const truth = ridgeResponse(train, Math.exp(coordinate));
    const error = Math.hypot(...truth.map((value, i) => value - (response[i] ?? 0))) / Math.hypot(...truth);
    assert.ok(error < 0.1, `the response is off by ${error}; 0.002 to 0.07 was measured on eight seeds`);
  });

it("begins where it is told, within the bounds of every coordinate, and holds a scale that is not learned", () => {
  const short = { ...settings, warmUpSteps: 1, trainSteps: 1 };
  const beginning = (start: number) => tuneRidge(train, tune, { ...short, start, tuningSteps: 0 }, rng.fork("run")).coordinate;
  assert.deepEqual([-7, -6.9, 7, 8, -8].map(beginning), [-7, -6.9, 7, 7, -7]);
  const scaleAfter = (learnScale: boolean, tuningSteps: number) =>
    tuneRidge(train, tune, { ...short, scale: 0.5, learnScale, tuningSteps }, rng.fork("run")).scale;
  assert.equal(scaleAfter(false, 3), scaleAfter(true, 0));
  assert.notEqual(scaleAfter(true, 3), scaleAfter(true, 0));
});

it("without the entropy term the scale collapses", () => {
  const without = tuneRidge(train, tune, { ...settings, entropyWeight: 0 }, rng.fork("run")).scale;
  const usual = tuneRidge(train, tune, settings, rng.fork("run")).scale;
  assert.ok(without <= 0.05 * usual, `${without} and ${usual}`);
});
