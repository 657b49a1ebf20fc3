/**
 * A self-tuning network where everything is known in closed form: ridge regression whose weights react to the logarithm of the penalty as
 * w(h) = w0 + h v. In double precision, on whole batches with one perturbation a step, since the penalty acts on weights.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, sections 3 and 4.1; the structured response of one output is linear in h.
 */
import type { Rng } from "../../core/index.js";
import { predict, type RidgeRows } from "../../data/ridge-problem.js";
import { LearnedHyperparameters, type Perturbation } from "./learned-hyperparameters.js";
import { VectorMomentum, VectorRmsprop } from "./vector-optimizers.js";

export interface RidgeSelfTuning {
  /** Logarithm of the penalty at the start, within +-`coordinateMax`. */
  readonly start: number;
  readonly scale: number;
  readonly learnScale: boolean;
  readonly entropyWeight: number;
  readonly warmUpSteps: number;
  /** Training steps for each tuning step. */
  readonly trainSteps: number;
  readonly tuningSteps: number;
}

/** Where a run came to. Numbers may be NaN where it diverged. */
export interface RidgeTuned {
  /** Logarithm of the penalty. */
  readonly coordinate: number;
  readonly scale: number;
  /** w(coordinate). */
  readonly weights: Float64Array;
  /** v, which stands for dw/dcoordinate. */
  readonly response: Float64Array;
}

/** The penalty's logarithm stays within these bounds, as every learned coordinate does. */
const coordinateMax = 7;
const weightOptimizer = { learningRate: 0.05, momentum: 0.9, dampening: 0.1 };
const hyperOptimizer = { learningRate: 0.01, decay: 0.99 };

/** Trains the weights and their response on `train`, moves the penalty by the loss on `tune`. */
export function tuneRidge(train: RidgeRows, tune: RidgeRows, settings: RidgeSelfTuning, rng: Rng): RidgeTuned {
  const dimension = train.inputs.length / train.count;
  const penalty = { name: "penalty", start: settings.start, coordinateMax, sharedInBatch: true, value: Math.exp };
  const learned = new LearnedHyperparameters([penalty], settings.scale);
  /** w0, then v. */
  const weights = new Float64Array(2 * dimension);
  rng.fork("weights").fillNormal(weights);
  for (let i = 0; i < weights.length; i++) weights[i] = 0.01 * (weights[i] ?? 0);
  const weightsFollow = new VectorMomentum(weights.length, weightOptimizer);
  const coordinatesFollow = new VectorRmsprop(1, hyperOptimizer);
  const scalesFollow = new VectorRmsprop(1, hyperOptimizer);
  const draws = rng.fork("perturbations");

  const trainStep = () => {
    const at = learned.perturb(1, draws).coordinates[0] ?? 0;
    const w = weightsAt(weights, at);
    const gradient = lossGradient(train, w);
    const both = new Float64Array(weights.length);
    for (let i = 0; i < dimension; i++) {
      const g = (gradient[i] ?? 0) + Math.exp(at) * (w[i] ?? 0);
      both[i] = g;
      both[dimension + i] = at * g;
    }
    weightsFollow.update(weights, both);
  };
  const tuningStep = () => {
    const perturbation: Perturbation = settings.learnScale ? learned.perturb(1, draws) : learned.center();
    const gradient = lossGradient(tune, weightsAt(weights, perturbation.coordinates[0] ?? 0));
    const byCoordinate = gradient.reduce((sum, g, i) => sum + g * (weights[dimension + i] ?? 0), 0);
    const { coordinates, rawScales } = learned.gradients(perturbation, [byCoordinate], settings.entropyWeight);
    coordinatesFollow.update(learned.coordinates, coordinates);
    if (settings.learnScale) scalesFollow.update(learned.rawScales, rawScales);
    learned.clamp();
  };

  for (let step = 0; step < settings.warmUpSteps; step++) trainStep();
  for (let round = 0; round < settings.tuningSteps; round++) {
    for (let step = 0; step < settings.trainSteps; step++) trainStep();
    tuningStep();
  }
  const coordinate = learned.coordinates[0] ?? Number.NaN;
  return { coordinate, scale: learned.scale(0), weights: weightsAt(weights, coordinate), response: weights.slice(dimension) };
}

/** w0 + h v */
function weightsAt(both: Float64Array, at: number): Float64Array {
  const dimension = both.length / 2;
  return Float64Array.from({ length: dimension }, (_, i) => (both[i] ?? 0) + at * (both[dimension + i] ?? 0));
}

/** Gradient of half the mean squared error. */
function lossGradient({ count, inputs, targets }: RidgeRows, weights: Float64Array): Float64Array {
  const dimension = weights.length;
  const gradient = new Float64Array(dimension);
  for (let row = 0; row < count; row++) {
    const residual = (predict(inputs, row, weights) - (targets[row] ?? 0)) / count;
    for (let i = 0; i < dimension; i++) gradient[i] = (gradient[i] ?? 0) + residual * (inputs[row * dimension + i] ?? 0);
  }
  return gradient;
}
