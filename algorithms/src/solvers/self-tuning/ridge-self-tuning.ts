/**
 * A self-tuning network where everything is known in closed form: ridge regression whose weights react to the logarithm of the penalty as
 * w(h) = w0 + h v. In double precision, on whole batches with one perturbation a step, since the penalty acts on weights.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, sections 3 and 4.1; the structured response of one output is linear in h.
 */
import type { Rng } from "../../core/index.js";
import type { RidgeRows } from "../../data/ridge-problem.js";
import { LearnedHyperparameters, type Perturbation } from "./learned-hyperparameters.js";
import { RidgeResponse, ridgeLossGradient } from "./ridge-response.js";
import { VectorRmsprop } from "./vector-optimizers.js";

export interface RidgeSelfTuning {
  /** delta-stn: h is the displacement from the coordinate, w0 is trained at h = 0, v by the perturbed loss alone. */
  readonly variant: "stn" | "delta-stn";
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
  const penalty = { name: "penalty", start: settings.start, coordinateMax, sharedInBatch: true, value: Math.exp };
  const learned = new LearnedHyperparameters([penalty], settings.scale);
  const response = new RidgeResponse(train, settings.variant, weightOptimizer, rng.fork("weights"));
  const coordinatesFollow = new VectorRmsprop(1, hyperOptimizer);
  const scalesFollow = new VectorRmsprop(1, hyperOptimizer);
  const draws = rng.fork("perturbations");
  const center = () => learned.coordinates[0] ?? Number.NaN;

  const trainStep = () => response.train(center(), [learned.perturb(1, draws).coordinates[0] ?? 0], Math.exp);
  const tuningStep = () => {
    const perturbation: Perturbation = settings.learnScale ? learned.perturb(1, draws) : learned.center();
    const gradient = ridgeLossGradient(tune, response.weightsAt(perturbation.coordinates[0] ?? 0, center()));
    const byCoordinate = gradient.reduce((sum, g, i) => sum + g * (response.slope[i] ?? 0), 0);
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
  const coordinate = center();
  return { coordinate, scale: learned.scale(0), weights: response.weightsAt(coordinate, coordinate), response: response.slope };
}
