/**
 * Whether a hypergradient can be believed: the network is forked in pairs, one a little to either side of the hyperparameters along the
 * hypergradient, both are trained on for a few steps with the same batches and random numbers, and their losses on the tune split are
 * compared. A true hypergradient says that the side it points to loses more. What the forks show over so few steps is the beginning of the
 * response, not all of it, so sizes are not compared, and only a difference of the other sign that chance does not explain speaks against it.
 * It knows nothing of networks. Why so: docs/decisions/0016-hypergradients-are-checked-by-forks.md.
 */
import { assert } from "@regulus/proto";

/** Pairs of forks of one check. */
export const guardPairs = 4;
/** Training steps of a fork. */
export const guardForkSteps = 10;
/** Rows of the tune split on which a fork is judged, at most. */
export const guardRowsMax = 500;
/** Tuning steps before the first check: fewer give no mean to check. */
export const guardTuningStepsMin = 50;
/** Student's t with three degrees of freedom at which one of a hundred checks of a hypergradient of no effect fails. */
const significance = 4.541;
/** A loss in float32 over some hundred rows is good to this share of itself. */
const rounding = 1e-6;
/** A score is kept within this, so that pairs that agree to the last bit give a number. */
const scoreMax = 1000;

/**
 * How far to each side each coordinate is moved: along the hypergradient in units of the perturbations' scales, one scale for the
 * hyperparameter that matters most, since responses are learned about that far. Undefined where there is nothing to check.
 */
export function forkDirection(hypergradients: ArrayLike<number>, scales: ArrayLike<number>): Float64Array | undefined {
  const weighted = Float64Array.from(hypergradients, (gradient, i) => gradient * (scales[i] ?? 0));
  const most = weighted.reduce((greatest, one) => Math.max(greatest, Math.abs(one)), 0);
  if (!(most > 0) || !Number.isFinite(most)) return undefined;
  return weighted.map((one, i) => (one / most) * (scales[i] ?? 0));
}

/** The coordinates ahead and behind, within their limits. */
export function forkSides(
  center: Float64Array,
  direction: Float64Array,
  limits: readonly number[],
): readonly [Float64Array, Float64Array] {
  const side = (sign: number) =>
    center.map((at, i) => {
      const limit = limits[i] ?? Number.POSITIVE_INFINITY;
      return Math.max(-limit, Math.min(limit, at + sign * (direction[i] ?? 0)));
    });
  return [side(1), side(-1)];
}

/**
 * The score of one check. @param check its number: each is on other batches. @param lossOf the loss after a fork at coordinates, on batches from
 * `ahead` steps later.
 */
export async function checkByForks(
  [ahead, behind]: readonly [Float64Array, Float64Array],
  check: number,
  lossOf: (coordinates: Float64Array, ahead: number) => Promise<number>,
): Promise<number> {
  const differences: number[] = [];
  let level = 0;
  for (let pair = 0; pair < guardPairs; pair++) {
    const from = (check * guardPairs + pair) * guardForkSteps;
    const [more, less] = [await lossOf(ahead, from), await lossOf(behind, from)];
    differences.push(more - less);
    level = Math.max(level, Math.abs(more), Math.abs(less));
  }
  return guardScore(differences, rounding * level);
}

/**
 * Student's t of the differences of a check's pairs (loss ahead less loss behind): above 0 they agree with the hypergradient.
 * @param resolution below which a mean says nothing: it joins the standard error.
 */
export function guardScore(differences: readonly number[], resolution = 0): number {
  assert(differences.length > 1, "a check has several pairs");
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const square = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (differences.length - 1);
  const score = mean / Math.hypot(Math.sqrt(square / differences.length), resolution);
  if (Number.isNaN(score)) return mean === 0 ? 0 : -scoreMax;
  return Math.max(-scoreMax, Math.min(scoreMax, score));
}

/** Whether a score speaks against the hypergradient. */
export function contradicts(score: number): boolean {
  return score < -significance;
}
