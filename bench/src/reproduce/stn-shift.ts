/**
 * STN-3: the effect of centring. The penalty of a ridge regression is held at e^-1 while the coordinate that stands for it is shifted away from
 * zero, which changes nothing but the name of the point. Delta-STN learns the response as well at every shift; a self-tuning network, whose
 * weights react to the coordinate itself, learns it worse the farther it is shifted, at the best of nine learning rates for each.
 */
import type { Rng } from "@regulus/algorithms/core";
import { RidgeResponse, type RidgeRows, ridgeResponse, ridgeWeights, type SelfTuningVariant } from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";
import { drawRidgeSplits } from "./stn-ridge.js";

const logPenalty = -1;
const shifts = [0, -1, -4, -8, -16];
const scale = 0.5;
/** Perturbations that a step's losses are a mean over. */
const perturbations = 8;
/** The claim is about the last; the others show how errors fall. */
const stepCounts = [500, 2000];
const learningRates = Array.from({ length: 9 }, (_, k) => 10 ** (-3 + k / 2));

/** Relative errors where a run ended. */
interface Errors {
  readonly response: number;
  readonly weights: number;
}

export async function runShiftClaim({ seed, seeds }: ReproduceRequest): Promise<ClaimResult> {
  const measured: Record<string, number> = {};
  let holds = true;
  const [steps = 0, shorter = 0] = [...stepCounts].reverse();
  for (let one = seed; one < seed + seeds; one++) {
    const { train, rng } = drawRidgeSplits(one);
    const errors = (variant: SelfTuningVariant, shift: number, count: number) =>
      bestErrors(train, { variant, shift, count }, rng);
    const delta = shifts.map((shift) => errors("delta-stn", shift, steps));
    const stn = shifts.map((shift) => errors("stn", shift, steps));
    for (const [i, shift] of shifts.entries()) {
      measured[`seed${one}Delta${shift}`] = delta[i]?.response ?? Number.NaN;
      measured[`seed${one}Stn${shift}`] = stn[i]?.response ?? Number.NaN;
    }
    const deltaResponse = Math.max(...delta.map(({ response }) => response));
    const [deltaWeights, stnWeights] = [delta, stn].map((all) => all.map(({ weights }) => weights));
    const shifted = stn[shifts.indexOf(-8)]?.response ?? Number.NaN;
    measured[`seed${one}Delta-8After${shorter}`] = errors("delta-stn", -8, shorter).response;
    measured[`seed${one}Stn-8After${shorter}`] = errors("stn", -8, shorter).response;
    measured[`seed${one}DeltaWeights`] = Math.max(...(deltaWeights ?? []));
    measured[`seed${one}StnWeights`] = Math.min(...(stnWeights ?? []));
    holds &&= deltaResponse <= 0.15 && shifted >= 4 * deltaResponse;
    holds &&= Math.max(...(deltaWeights ?? [])) <= 1e-3 && Math.min(...(stnWeights ?? [])) >= 1e-3;
  }
  return {
    id: "STN-3",
    statement:
      "Delta-STN learns the response to a penalty wherever its coordinate lies; a self-tuning network does worse far from zero.",
    threshold:
      "for every seed, relative errors after 2000 steps: response <= 0.15 under Delta-STN at every shift, at least 4 times the greatest of these " +
      "under STN at a shift of -8; weights <= 1e-3 under Delta-STN and >= 1e-3 under STN at every shift",
    measured,
    holds,
  };
}

/** At the learning rate whose response is best, since no method is to suffer from a bad one. */
function bestErrors(
  train: RidgeRows,
  { variant, shift, count }: { variant: SelfTuningVariant; shift: number; count: number },
  rng: Rng,
): Errors {
  const runs = learningRates.map((learningRate) => {
    const optimizer = { learningRate, momentum: 0.9, dampening: 0.1 };
    const learner = new RidgeResponse(train, variant, optimizer, rng.fork("weights"));
    const draws = rng.fork("perturbations");
    for (let step = 0; step < count; step++) {
      const perturbed = Array.from({ length: perturbations }, () => shift + scale * draws.normal());
      learner.train(shift, perturbed, (at) => Math.exp(logPenalty + at - shift));
    }
    const penalty = Math.exp(logPenalty);
    return {
      response: relativeError(learner.slope, ridgeResponse(train, penalty)),
      weights: relativeError(learner.weightsAt(shift, shift), ridgeWeights(train, penalty)),
    };
  });
  const worst: Errors = { response: Number.POSITIVE_INFINITY, weights: Number.POSITIVE_INFINITY };
  return runs.reduce((best, run) => (run.response < best.response ? run : best), worst);
}

function relativeError(seen: Float64Array, exact: Float64Array): number {
  return Math.hypot(...exact.map((value, i) => value - (seen[i] ?? 0))) / Math.hypot(...exact);
}
