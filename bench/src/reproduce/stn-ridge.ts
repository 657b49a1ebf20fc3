/**
 * STN-1 and STN-2: a self-tuning ridge regression finds the best penalty in one run, and needs its entropy term to do so. Twenty weights,
 * forty rows for each level, noise of deviation 2, penalty from e^-4. Everything in double precision, against the closed form.
 */
import { createRng, type Rng } from "@regulus/algorithms/core";
import {
  drawRidgeRows,
  drawRidgeWeights,
  type RidgeRows,
  type RidgeSelfTuning,
  type RidgeTuned,
  ridgeLoss,
  ridgeResponse,
  ridgeWeights,
  type SelfTuningVariant,
  tuneRidge,
} from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";

const law = { dimension: 20, weightDeviation: 0.5, noise: 2 };
const rows = 40;
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
/** Logarithms of penalties that are looked at for the best one. */
const scan = { from: -7, to: 7, step: 0.005 };

interface Problem {
  readonly train: RidgeRows;
  readonly tune: RidgeRows;
  /** The best logarithm of the penalty, and its loss. */
  readonly best: { readonly coordinate: number; readonly loss: number };
  readonly rng: Rng;
}

export async function runConvergenceClaim({ seed }: ReproduceRequest, variant: SelfTuningVariant): Promise<ClaimResult> {
  const problem = drawProblem(seed);
  const { coordinate } = run(problem, { ...settings, variant });
  const gap = Math.abs(coordinate - problem.best.coordinate);
  const startRatio = exactLoss(problem, settings.start) / problem.best.loss;
  const ratio = exactLoss(problem, coordinate) / problem.best.loss;
  return {
    id: variant === "stn" ? "STN-1" : "STN-1-DELTA",
    statement: `One ${variant === "stn" ? "self-tuning" : "Delta-STN"} run finds the penalty that minimizes the validation loss of ridge regression.`,
    threshold: "|log penalty - best| <= 0.15 and exact validation loss <= 1.005 of the best",
    measured: {
      bestLogPenalty: problem.best.coordinate,
      logPenalty: coordinate,
      gap,
      lossRatio: ratio,
      lossRatioAtStart: startRatio,
    },
    holds: gap <= 0.15 && ratio <= 1.005,
  };
}

export async function runEntropyClaim({ seed }: ReproduceRequest): Promise<ClaimResult> {
  const problem = drawProblem(seed);
  const usual = run(problem, settings).scale;
  const without = run(problem, { ...settings, entropyWeight: 0 }).scale;
  const tenfold = run(problem, { ...settings, entropyWeight: 1e-2 }).scale;
  const narrow = responseError(problem, run(problem, { ...settings, scale: 1e-3, learnScale: false }));
  const wide = run(problem, { ...settings, scale: 3, learnScale: false });
  const wideRatio = ridgeLoss(problem.tune, wide.weights) / problem.best.loss;
  const measured = {
    scaleWithout: without,
    scaleUsual: usual,
    scaleTenfold: tenfold,
    collapse: without / usual,
    growth: tenfold / usual,
    responseErrorFrozenNarrow: narrow,
    lossRatioFrozenWide: wideRatio,
  };
  return {
    id: "STN-2",
    statement:
      "Without the entropy term scales collapse; with it they settle at sqrt(weight/curvature); frozen badly, learning fails.",
    threshold:
      "scale(0) <= 0.05 scale(1e-3), 2.8 <= scale(1e-2)/scale(1e-3) <= 3.6, frozen at 1e-3 the response is off by >= 0.9, " +
      "frozen at 3 the loss is not finite or >= 1.5 of the best",
    measured,
    holds:
      measured.collapse <= 0.05 &&
      measured.growth >= 2.8 &&
      measured.growth <= 3.6 &&
      !(narrow < 0.9) &&
      (!Number.isFinite(wideRatio) || wideRatio >= 1.5),
  };
}

/** The splits of a seed's problem; random numbers of its runs are forks of `rng`. */
export function drawRidgeSplits(seed: number): Omit<Problem, "best"> {
  const rng = createRng(seed).fork("ridge");
  const truth = drawRidgeWeights(law, rng.fork("truth"));
  const train = drawRidgeRows(rows, truth, law.noise, rng.fork("train"));
  const tune = drawRidgeRows(rows, truth, law.noise, rng.fork("tune"));
  return { train, tune, rng };
}

function drawProblem(seed: number): Problem {
  const { train, tune, rng } = drawRidgeSplits(seed);
  let best = { coordinate: Number.NaN, loss: Number.POSITIVE_INFINITY };
  for (let coordinate = scan.from; coordinate <= scan.to; coordinate += scan.step) {
    const loss = ridgeLoss(tune, ridgeWeights(train, Math.exp(coordinate)));
    if (loss < best.loss) best = { coordinate, loss };
  }
  return { train, tune, best, rng };
}

/** Perturbations and first weights are the same in every run of a seed. */
function run({ train, tune, rng }: Problem, tuning: RidgeSelfTuning): RidgeTuned {
  return tuneRidge(train, tune, tuning, rng.fork("run"));
}

function exactLoss({ train, tune }: Problem, coordinate: number): number {
  return ridgeLoss(tune, ridgeWeights(train, Math.exp(coordinate)));
}

/** |v - dw/dlog penalty| over |dw/dlog penalty|; NaN where the run diverged. */
function responseError({ train }: Problem, { coordinate, response }: RidgeTuned): number {
  if (!Number.isFinite(coordinate)) return Number.NaN;
  const exact = ridgeResponse(train, Math.exp(coordinate));
  const distance = Math.hypot(...exact.map((value, i) => value - (response[i] ?? 0)));
  return distance / Math.hypot(...exact);
}
