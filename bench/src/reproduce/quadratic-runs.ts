/**
 * Runs of MAID on the quadratic of section 4.1, whose exact upper loss is known in closed form: the document's settings for MAID-1 and MAID-2b, and
 * what a run leaves to judge it by.
 */
import { createRng } from "@regulus/algorithms/core";
import {
  drawQuadratic,
  driveLocally,
  type MaidOptions,
  maid,
  maidOptions,
  type QuadraticProblem,
} from "@regulus/algorithms/solvers";

/** The author's own: matrices and truths uniform in [0, 1]. */
export const law = { rows: 1000, dim: 10, thetaDim: 10, noise: 0.01, ridge: 0, truths: "uniform" } as const;
/** The document's settings; `futility` 0 tries every step, as published. */
export const settings = {
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
/** Where accuracies begin. */
export const accuracies = [1e-1, 1e-3, 1e-5];

export interface Run {
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

export function problemOf(seed: number): QuadraticProblem {
  return drawQuadratic(law, createRng(seed).fork("MAID-1"));
}

/** A run from one of the accuracies; residuals begin there too. */
export function run(problem: QuadraticProblem, accuracy: number, more: Partial<MaidOptions> = {}): Run {
  const options = maidOptions.parse({ ...settings, accuracy, residual: accuracy, ...more });
  const state = maid.init(options, { theta: Array(law.thetaDim).fill(1), samples: 1 });
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

/** Work at which the gap was first at most this; Infinity for never. */
export function workTo({ path }: Run, gap: number): number {
  return path.find((point) => point[1] <= gap)?.[0] ?? Number.POSITIVE_INFINITY;
}

/** Gap that was reached with this work. */
export function gapAfter({ path }: Run, work: number): number {
  return path.findLast((point) => point[0] <= work)?.[1] ?? 1;
}
