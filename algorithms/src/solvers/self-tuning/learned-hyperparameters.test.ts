/** Perturbations, gradients and clamps by hand; the gradient of the scale against differences of the objective. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../../core/index.js";
import { inverseSoftplus, LearnedHyperparameters, scaleMax, scaleMin, softplus } from "./learned-hyperparameters.js";

const one = (name: string, sharedInBatch: boolean) => ({
  name,
  start: 0.5,
  coordinateMax: 7,
  sharedInBatch,
  value: (x: number) => 2 * x,
});
const pair = () => new LearnedHyperparameters([one("own", false), one("shared", true)], 0.5);

it("perturbs each example, or all alike", () => {
  const learned = pair();
  const perturbation = learned.perturb(1000, createRng(1));
  const column = (i: number) => Array.from({ length: 1000 }, (_, row) => perturbation.coordinates[2 * row + i] ?? 0);
  assert.equal(new Set(column(1)).size, 1);
  assert.notEqual(column(1)[0], column(0)[0], "and not like another hyperparameter");
  const own = column(0);
  const mean = own.reduce((sum, x) => sum + x, 0) / 1000;
  const deviation = Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 1000);
  // Four standard errors of a thousand draws: 0.5 * 4 / sqrt(1000) and / sqrt(2000); the seed is fixed.
  assert.ok(Math.abs(mean - 0.5) < 0.063 && Math.abs(deviation - 0.5) < 0.045);
  assert.equal(learned.values(0, perturbation).length, 1000);
  assert.deepEqual(learned.values(1, perturbation), Float32Array.of(2 * (column(1)[0] ?? 0)));
});

it("has the gradient of the objective by coordinate and raw scale", () => {
  const weight = 0.03;
  /** sum over rows and hyperparameters of c (lam~)^2, less the entropy. */
  const objective = (shift: { coordinate?: number; rawScale?: number }): number => {
    const learned = pair();
    learned.coordinates[1] = (learned.coordinates[1] ?? 0) + (shift.coordinate ?? 0);
    learned.rawScales[1] = (learned.rawScales[1] ?? 0) + (shift.rawScale ?? 0);
    const { coordinates } = learned.perturb(4, createRng(2));
    const loss = coordinates.reduce((sum, x) => sum + x ** 2, 0);
    const entropy = [0, 1].reduce((sum, i) => sum + Math.log(learned.scale(i) * Math.sqrt(2 * Math.PI * Math.E)), 0);
    return loss - weight * entropy;
  };
  const learned = pair();
  const perturbation = learned.perturb(4, createRng(2));
  const gradients = learned.gradients(
    perturbation,
    perturbation.coordinates.map((x) => 2 * x),
    weight,
  );
  const h = 1e-5;
  const byCoordinate = (objective({ coordinate: h }) - objective({ coordinate: -h })) / (2 * h);
  const byRawScale = (objective({ rawScale: h }) - objective({ rawScale: -h })) / (2 * h);
  // Doubles: rounding 1e-16 / 1e-5, curvature 1e-10.
  assert.ok(Math.abs((gradients.coordinates[1] ?? 0) - byCoordinate) < 1e-8);
  assert.ok(Math.abs((gradients.rawScales[1] ?? 0) - byRawScale) < 1e-8);
});

it("keeps scales and coordinates within their bounds", () => {
  const learned = pair();
  learned.rawScales.set([-1000, 1000]);
  learned.coordinates.set([-100, 100]);
  learned.clamp();
  assert.deepEqual([...learned.coordinates], [-7, 7]);
  assert.deepEqual([scaleMin, scaleMax], [0.001, 3]);
  assert.throws(() => new LearnedHyperparameters([one("own", false)], 3.01), /from 0.001 to 3/);
  assert.throws(() => new LearnedHyperparameters([one("own", false)], 0.0009), /from 0.001 to 3/);
  for (const scale of [0.001, 3])
    assert.ok(Math.abs(new LearnedHyperparameters([one("own", false)], scale).scale(0) / scale - 1) < 1e-9);
  learned.setScale(1, 0.25);
  assert.ok(Math.abs(learned.scale(1) - 0.25) < 1e-12);
  learned.setScale(1, scaleMax);
  assert.ok(Math.abs(learned.scale(0) / scaleMin - 1) < 1e-9 && Math.abs(learned.scale(1) / scaleMax - 1) < 1e-9);
});

it("inverts softplus over its whole range", () => {
  for (const y of [1e-12, 1e-3, 0.5, 3, 50, 700]) assert.ok(Math.abs(softplus(inverseSoftplus(y)) / y - 1) < 1e-9, `${y}`);
});
