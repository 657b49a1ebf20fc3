/**
 * BO-1 to BO-4: a bilevel problem with exploding curvature whose answer is known (cosh upper function, ten dimensions, condition 10, noisy
 * oracles), 6,000 oracle calls a run. A call is a lower gradient, a Hessian-vector product, an upper gradient or a cross product. Lower steps and
 * period (3 every 10) were settled on seeds 101 to 116; a claim looks at five seeds from the one asked for.
 */
import {
  type BoRepSettings,
  boRepDefaults,
  drawRelaxedSmooth,
  type RelaxedSmoothLaw,
  relaxedSmoothLaw,
  runBoRep,
} from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";

const calls = 6000;
const seedsLeast = 5;
const settings: BoRepSettings = {
  ...boRepDefaults,
  eta: 1e-2,
  momentum: 0.9,
  lowerRate: 0.05,
  adjointRate: 0.05,
  innerSteps: 3,
  period: 10,
};
/** Rates that the method without normalization is given to choose from. */
const rates = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1];
const mildLaw: RelaxedSmoothLaw = { ...relaxedSmoothLaw, growth: 1.5, startDeviation: 2 };
/** Share of the steps, at the end, whose gradient norms are averaged. */
const tailShare = 0.2;
/** Gradient norm below which a run has arrived (BO-1: final; BO-3: first hit). */
const finalWanted = 0.2;
const hitWanted = 0.1;
/** Share of the seeds on which a longer period has to save calls: the hit is near the noise, so that chance takes part. */
const shareWanted = 0.8;

interface Outcome {
  /** Mean |grad Phi| at the end; Infinity where the run diverged. */
  readonly final: number;
  /** Calls until |grad Phi| was first below `hitWanted`; Infinity for never. */
  readonly callsToHit: number;
  readonly start: number;
}

export async function runHeadlineClaim(request: ReproduceRequest): Promise<ClaimResult> {
  const seeds = seedsOf(request);
  request.progress.begin("BO-1", seeds.length * (1 + 2 * rates.length));
  const normalized = seeds.map((seed) => run(relaxedSmoothLaw, seed, {}, request));
  // The rival with the same period, and as the single loop that it is in its paper.
  const shapes = [{}, { period: 1, innerSteps: 1 }];
  const rivals = shapes.flatMap((shape) =>
    rates.map((eta) => seeds.map((seed) => run(relaxedSmoothLaw, seed, { ...shape, eta, normalize: false }, request).final)),
  );
  const worst = Math.max(...normalized.map(({ final }) => final));
  const reached = rivals.map((finals) => finals.filter((final) => final < finalWanted).length);
  return {
    id: "BO-1",
    statement:
      "Normalized momentum with one step length copes with starts of any steepness; no rate of unnormalized momentum does.",
    threshold: `|grad Phi| < ${finalWanted} on every seed at eta 0.01; for MA-SOBA at no eta of ${rates.join(", ")} on every seed`,
    measured: {
      ...bySeed("final", seeds, (index) => normalized[index]?.final),
      ...bySeed("startGradient", seeds, (index) => normalized[index]?.start),
      worst,
      seedsOfBestRateWithoutNormalization: Math.max(...reached),
      ...bySeed("bestWithoutNormalization", seeds, (index) => Math.min(...rivals.map((finals) => finals[index] ?? Infinity))),
    },
    holds: worst < finalWanted && reached.every((count) => count < seeds.length),
  };
}

export async function runMildClaim(request: ReproduceRequest): Promise<ClaimResult> {
  const seeds = seedsOf(request);
  request.progress.begin("BO-2", seeds.length * (1 + rates.length));
  const normalized = seeds.map((seed) => run(mildLaw, seed, {}, request));
  const rivals = seeds.map((seed) =>
    Math.min(...rates.map((eta) => run(mildLaw, seed, { eta, normalize: false }, request).final)),
  );
  const gentle = normalized.flatMap((one, index) => (one.start <= 100 ? [{ ours: one.final, rival: rivals[index] ?? 0 }] : []));
  return {
    id: "BO-2",
    statement: "Normalization is no free lunch: on mild problems unnormalized momentum at its best rate ends closer.",
    threshold:
      "on every seed with |grad Phi(x0)| <= 100 (at least one): final |grad Phi| of MA-SOBA at its best eta below BO-REP's",
    measured: {
      seedsLookedAt: gentle.length,
      ...bySeed("startGradient", seeds, (index) => normalized[index]?.start),
      ...bySeed("final", seeds, (index) => normalized[index]?.final),
      ...bySeed("bestWithoutNormalization", seeds, (index) => rivals[index]),
    },
    holds: gentle.length > 0 && gentle.every(({ ours, rival }) => rival < ours),
  };
}

export async function runPeriodClaim(request: ReproduceRequest): Promise<ClaimResult> {
  const seeds = seedsOf(request);
  request.progress.begin("BO-3", seeds.length * 2);
  const rare = seeds.map((seed) => run(relaxedSmoothLaw, seed, { period: 10 }, request));
  const frequent = seeds.map((seed) => run(relaxedSmoothLaw, seed, { period: 2 }, request));
  const fewer = rare.filter(({ callsToHit }, index) => callsToHit < (frequent[index]?.callsToHit ?? 0)).length;
  return {
    id: "BO-3",
    statement: "Refreshing y every 10 steps instead of every 2 saves oracle calls on the way.",
    threshold: `fewer calls to the first |grad Phi| < ${hitWanted} on at least ${shareWanted * 100} % of the seeds (never counts as infinitely many)`,
    measured: {
      seedsWithFewer: fewer,
      ...bySeed("callsEvery10", seeds, (index) => rare[index]?.callsToHit),
      ...bySeed("callsEvery2", seeds, (index) => frequent[index]?.callsToHit),
      ...bySeed("finalEvery10", seeds, (index) => rare[index]?.final),
      ...bySeed("finalEvery2", seeds, (index) => frequent[index]?.final),
    },
    holds: fewer >= shareWanted * seeds.length,
  };
}

export async function reportRefinement(request: ReproduceRequest): Promise<ClaimResult> {
  const seeds = seedsOf(request);
  request.progress.begin("BO-4", seeds.length * 2);
  const without = seeds.map((seed) => run(relaxedSmoothLaw, seed, {}, request));
  const refined = seeds.map((seed) => run(relaxedSmoothLaw, seed, { refinementEpochs: 1, refinementSteps: 100 }, request));
  return {
    id: "BO-4",
    statement: "Refining y for 100 steps before the first upper step: no benefit is expected on this problem.",
    threshold: "none: reported, not asserted",
    measured: {
      ...bySeed("finalRefined", seeds, (index) => refined[index]?.final),
      ...bySeed("finalPlain", seeds, (index) => without[index]?.final),
    },
    holds: true,
    asserted: false,
  };
}

function seedsOf({ seed, seeds }: ReproduceRequest): readonly number[] {
  return Array.from({ length: Math.max(seeds, seedsLeast) }, (_, index) => seed + index);
}

function run(law: RelaxedSmoothLaw, seed: number, changes: Partial<BoRepSettings>, { progress }: ReproduceRequest): Outcome {
  const changed = { ...settings, ...changes };
  // Two products and an upper gradient a step, and its share of the lower steps.
  const callsPerStep = 3 + changed.innerSteps / changed.period;
  const before = changed.refinementEpochs * changed.refinementSteps;
  const steps = Math.floor((calls - before) / callsPerStep);
  const problem = drawRelaxedSmooth(law, seed);
  const norms: number[] = [];
  const { ended } = runBoRep(
    problem,
    { ...changed, steps },
    {
      start: problem.start,
      observe: ({ x }) => {
        norms.push(problem.gradientNorm(x));
        return false;
      },
    },
  );
  progress.advance(1);
  const tail = norms.slice(-Math.ceil(tailShare * steps));
  const final = tail.reduce((sum, one) => sum + one, 0) / tail.length;
  const hit = norms.findIndex((one) => one < hitWanted);
  return {
    final: ended === "diverged" || !Number.isFinite(final) ? Number.POSITIVE_INFINITY : final,
    callsToHit: hit < 0 ? Number.POSITIVE_INFINITY : before + (hit + 1) * callsPerStep,
    start: problem.gradientNorm(problem.start.x),
  };
}

function bySeed(name: string, seeds: readonly number[], value: (index: number) => number | undefined): Record<string, number> {
  return Object.fromEntries(seeds.map((seed, index) => [`${name}Seed${seed}`, value(index) ?? Number.NaN]));
}
