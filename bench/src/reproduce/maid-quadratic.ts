/**
 * MAID-1, MAID-2b and MAID-4: claims on the quadratic of section 4.1, whose exact upper loss is known in closed form. MAID-2b logs it at every
 * accepted step of the runs of MAID-1.
 */
import { createRng } from "@regulus/algorithms/core";
import {
  drawQuadratic,
  driveLocally,
  type MaidOptions,
  type MaidState,
  maid,
  maidOptions,
  type QuadraticProblem,
} from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";

const law = { rows: 1000, dim: 10, thetaDim: 10, noise: 0.01, ridge: 0, truths: "uniform" } as const;
/** The document's settings; `futility` 0 tries every step, as published. */
const settings = {
  stepShrink: 0.5,
  stepGrowth: 10 / 9,
  accuracyShrink: 0.5,
  accuracyGrowth: 1.25,
  decrease: 0.1,
  descentMargin: 0.5,
  stepLength: 0.01,
  steps: 1_000_000,
  work: 100_000,
  tolerance: 0,
  thetaMin: -1000,
  thetaMax: 1000,
  futility: 0,
};
const accuracies = [1e-1, 1e-3, 1e-5];
/**
 * A run is timed to this multiple of the gap that the run frozen at 1e-5 ends at. The document times its one instance to 1% of the first gap;
 * which share can be reached within the work depends on the drawn matrices.
 */
const targetOverFinal = 1.5;
/** Accepted steps that MAID-2b sees at least, and seeds that it draws at most for them. */
const [stepsWanted, seedsMax] = [10_000, 60];

interface Run {
  /** Lower and adjoint steps with the gap, as a share of the first, after each accepted step. */
  readonly path: readonly (readonly [work: number, gap: number])[];
  /** Gap at the end, as a share of the first. */
  readonly finalGap: number;
  readonly steps: number;
  /** Steps whose exact decrease is below what was certified. */
  readonly violations: number;
  /** Least decrease over what was certified. */
  readonly leastRatio: number;
  readonly accuracy: number;
}

function run(problem: QuadraticProblem, more: Partial<MaidOptions>): Run {
  const state = maid.init(maidOptions.parse({ ...settings, ...more }), { theta: Array(law.thetaDim).fill(1), samples: 1 });
  const gapAt = (theta: readonly number[]): number => problem.exactGap(Float64Array.from(theta));
  const first = gapAt(state.theta);
  let gap = first;
  const path: [number, number][] = [];
  let [violations, leastRatio] = [0, Number.POSITIVE_INFINITY];
  driveLocally(maid, state, {
    samples: [problem],
    onRecord({ accepted, metrics, vectors }) {
      if (!accepted) return false;
      const next = gapAt(vectors.theta);
      const required = -(metrics.slope ?? 0) * (metrics.stepLength ?? 0) * settings.decrease;
      // The closed form itself is known to about condition u of the gap, far below any step's decrease.
      if (gap - next < required - 1e-13 * gap) violations += 1;
      leastRatio = Math.min(leastRatio, (gap - next) / required);
      gap = next;
      path.push([metrics.work ?? 0, gap / first]);
      return false;
    },
  });
  return { path, finalGap: gap / first, steps: state.step, violations, leastRatio, accuracy: state.accuracy };
}

const problemOf = (seed: number): QuadraticProblem => drawQuadratic(law, createRng(seed).fork("MAID-1"));
const withAccuracy = (accuracy: number): Partial<MaidOptions> => ({ accuracy, residual: accuracy });

export async function runAccuracyClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-1", seeds * (2 * accuracies.length + 3));
  const measured: Record<string, number> = {};
  let holds = true;
  for (let one = seed; one < seed + seeds; one++) {
    const problem = problemOf(one);
    const runs = (more: Partial<MaidOptions>) =>
      accuracies.map((accuracy) => {
        const result = run(problem, { ...withAccuracy(accuracy), ...more });
        progress.advance(1);
        return result;
      });
    const [off, on, frozen] = [runs({}), runs({ checkDescent: true }), runs({ freezeAccuracy: true })];
    const [loose, middle, tight] = frozen;
    if (loose === undefined || middle === undefined || tight === undefined) throw new Error("three frozen runs");
    const target = targetOverFinal * tight.finalGap;
    const workTo = ({ path }: Run, gap: number): number => path.find((point) => point[1] <= gap)?.[0] ?? Number.POSITIVE_INFINITY;
    const spread = (results: readonly Run[], gap = target): number => {
      const works = results.map((result) => workTo(result, gap));
      return Math.max(...works) / Math.min(...works);
    };
    const slowest = Math.max(...off.map((result) => workTo(result, target)));
    const stalled = Math.min(loose.finalGap, middle.finalGap);
    Object.assign(measured, {
      [`condition, seed ${one}`]: problem.condition,
      [`target gap, seed ${one}`]: target,
      [`work to the target, seed ${one}`]: slowest,
      [`work spread, seed ${one}`]: spread(off),
      [`work spread with descent check, seed ${one}`]: spread(on),
      [`least final gap of frozen 1e-1 and 1e-3, seed ${one}`]: stalled,
      [`work over that of frozen 1e-5, seed ${one}`]: slowest / workTo(tight, target),
      [`work to 1% of the first gap, seed ${one}`]: Math.max(...off.map((result) => workTo(result, 1e-2))),
      [`work spread to 1% of the first gap, seed ${one}`]: spread(off, 1e-2),
      [`final accuracy, seed ${one}`]: off[0]?.accuracy ?? Number.NaN,
    });
    holds &&= spread(off) <= 1.15 && spread(on) <= 1.15 && stalled > target;
  }
  return {
    id: "MAID-1",
    statement:
      "MAID's accuracy tunes itself: the work to reach a target does not depend on the accuracy that it begins with; frozen, it stalls.",
    measured,
    threshold:
      "work to the target over starting accuracies 1e-1, 1e-3, 1e-5 within 1.15 of each other, with and without descent check; frozen at 1e-1 and 1e-3 it never gets there. Reported and not asserted, since it depends on the drawn matrices: work against frozen 1e-5, work to 1% of the first gap and its spread",
    holds,
  };
}

export async function runDecreaseClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-2b", stepsWanted);
  let [steps, violations, leastRatio, drawn] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (; drawn < seedsMax && (drawn < seeds || steps < stepsWanted); drawn++) {
    const problem = problemOf(seed + drawn);
    for (const accuracy of accuracies) {
      const result = run(problem, withAccuracy(accuracy));
      steps += result.steps;
      violations += result.violations;
      leastRatio = Math.min(leastRatio, result.leastRatio);
      progress.advance(result.steps);
    }
  }
  return {
    id: "MAID-2b",
    statement: "Every accepted step lowers the exact loss by at least lambda alpha |z|^2, although nothing is solved exactly.",
    measured: { "accepted steps": steps, violations, "least decrease over certified": leastRatio, problems: drawn },
    threshold: `no violation over at least ${stepsWanted} accepted steps`,
    holds: violations === 0 && steps >= stepsWanted,
  };
}

/** Samples and steps of the runs that are cut into shards. */
const [shardedSamples, shardedSteps] = [7, 60];

export async function runShardClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-4", seeds);
  let [equal, runs, partialSumsDiffer] = [0, 0, 0];
  for (let one = seed; one < seed + seeds; one++) {
    const rng = createRng(one).fork("MAID-4");
    const samples = Array.from({ length: shardedSamples }, (_, i) => drawQuadratic({ ...law, rows: 50, ridge: 1 }, rng.fork(i)));
    const trajectory = (shards: number, ahead: number): string => {
      const start = { theta: Array(law.thetaDim).fill(1), samples: shardedSamples };
      const state: MaidState = maid.init(maidOptions.parse({ ...settings, work: 0, steps: shardedSteps, stepLength: 1 }), start);
      const thetas: (readonly number[])[] = [];
      driveLocally(maid, state, {
        samples,
        shards,
        ahead,
        onRecord({ vectors }) {
          thetas.push(vectors.theta, vectors.hypergradient);
          return false;
        },
      });
      return JSON.stringify(thetas);
    };
    const alone = trajectory(1, 1);
    for (const [shards, ahead] of [
      [2, 1],
      [4, 1],
      [4, 3],
    ] as const) {
      runs += 1;
      if (trajectory(shards, ahead) === alone) equal += 1;
    }
    const losses = samples.map((sample) => sample.exact(new Float64Array(law.thetaDim)));
    const sum = (from: number, to: number): number => losses.slice(from, to).reduce((total, loss) => total + loss, 0);
    const whole = sum(0, shardedSamples);
    if ([2, 3, 4, 5].some((cut) => sum(0, cut) + sum(cut, shardedSamples) !== whole)) partialSumsDiffer += 1;
    progress.advance(1);
  }
  return {
    id: "MAID-4",
    statement: "However samples are cut into shards, and whatever is asked ahead, the trajectory has the same bits.",
    measured: { "runs with equal bits": equal, runs, "seeds where plain partial sums differ": partialSumsDiffer },
    threshold:
      "all runs on 2 and 4 shards, with and without speculation, equal the run on one (agents: test/src, on a real cluster)",
    holds: equal === runs,
  };
}
