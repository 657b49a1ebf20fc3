/**
 * One round of a bilevel method over samples: the question (hyperparameters and accuracies), what one sample answers (its loss with a certified
 * accuracy, and on demand its share of the hypergradient), and how the answers of all samples are reduced to bounds that hold exactly. Pure: no
 * files, no clock, no state. How a sample comes to its answer is answer-sample.ts.
 *
 * Source: MAID (arXiv 2308.10098): sandwich bounds (Lemma 3.5).
 */
import type { LowerProblem, UpperFunction } from "./lower-problem.js";
import { combineNodes, type NodeSum, treeSum } from "./summation-tree.js";

/** What is asked of every sample in one round. Plain data. */
export interface RespondQuestion {
  /** Hyperparameters [p]. */
  readonly theta: readonly number[];
  /** Wanted distance to the lower level's minimizer, certified. Positive, in the units of x. */
  readonly accuracy: number;
  /** Asks for the hypergradient too, from an adjoint system solved to this absolute residual. */
  readonly gradient?: { readonly residual: number };
  /** The solutions of the last round become the warm starts first; else solves start from those committed before. */
  readonly commit: boolean;
  /** A shard may stop and answer `rejected` once its sum of upper bounds is above this: the trial has failed whatever the others say. */
  readonly rejectAbove?: number;
  /** Steps after which a lower or an adjoint solve gives up; `iterationsDefault` where absent. */
  readonly iterationsMax?: number;
}

/** Steps of one lower or adjoint solve where the question does not say. */
export const iterationsDefault = 100_000;

/** Where a sample's solves start: the last committed solution and, once there was one, the last adjoint. */
export interface WarmStart {
  /** [dim] */
  readonly x: Float64Array;
  /** [dim] */
  readonly q?: Float64Array;
}

/** A sample: one lower level and the upper function of its solution. */
export interface RespondSample {
  readonly lower: LowerProblem;
  readonly upper: UpperFunction;
  /** Where the first solve starts, at hyperparameters theta. */
  start(theta: Float64Array): Float64Array;
  /** Further numbers about a solution, by name: psnr ... Each is averaged over samples. */
  metrics?(x: Float64Array, theta: Float64Array): Readonly<Record<string, number>>;
}

/** Why a sample has no answer. */
export type SampleProblem = "not-strongly-convex" | "not-finite";

/** What one sample says. Plain data. */
export interface SampleAnswer {
  /** Upper loss g_i at the approximate solution. */
  readonly value: number;
  /** Norm of the upper gradient there, n_i. */
  readonly gradientNorm: number;
  /** Certified bound of the distance to the minimizer: what was reached, not what was asked. */
  readonly accuracy: number;
  /** Smoothness L_i of the upper function. */
  readonly smoothness: number;
  /** Whether the upper function is convex; its lower bound is tighter then. */
  readonly convex: boolean;
  /** Steps of the lower solve. */
  readonly iterations: number;
  /** Whether the arithmetic gave no more than `accuracy` although more was asked. */
  readonly stalled: boolean;
  readonly adjoint?: {
    /** Norm of the adjoint system's residual, as reached. */
    readonly residual: number;
    /** Steps of conjugate gradient. */
    readonly iterations: number;
    /** Bound of this sample's hypergradient error, omega_i, where the problem knows its Lipschitz constants. */
    readonly bound?: number;
  };
  readonly metrics?: Readonly<Record<string, number>>;
  /** Set where the numbers above mean nothing. */
  readonly problem?: SampleProblem;
}

/** A sample's answer with the vectors that stay with whoever asked. */
export interface AnsweredSample {
  readonly answer: SampleAnswer;
  /** Warm start of the next round, should this one be committed. */
  readonly solution: WarmStart;
  /** This sample's hypergradient -J^T q [p], where it was asked for. */
  readonly hypergradient?: Float64Array;
}

/** U_upper of Lemma 3.5 for one sample: the upper loss at the exact minimizer is at most this. */
export function upperBoundOf({ value, gradientNorm, accuracy, smoothness }: SampleAnswer): number {
  return value + gradientNorm * accuracy + 0.5 * smoothness * accuracy ** 2;
}

/** U_lower of Lemma 3.5 for one sample: the upper loss at the exact minimizer is at least this. */
export function lowerBoundOf({ value, gradientNorm, accuracy, smoothness, convex }: SampleAnswer): number {
  return value - gradientNorm * accuracy - (convex ? 0 : 0.5 * smoothness * accuracy ** 2);
}

/** The answers of all samples as one: means over samples, in an order that does not depend on shards. Plain data. */
export interface ReducedAnswer {
  /** Mean upper loss at the approximate solutions. */
  readonly value: number;
  /** The mean upper loss at the exact minimizers lies in [lowerBound, upperBound], rounding of the sums included. */
  readonly lowerBound: number;
  readonly upperBound: number;
  /** Worst accuracy reached by any sample. */
  readonly accuracy: number;
  /** Mean norm of the upper gradients: the sandwich is about 2 * gradientNorm * accuracy wide. */
  readonly gradientNorm: number;
  /** Steps of all lower solves and of all adjoint solves together. */
  readonly iterations: number;
  /** Samples whose lower solve the arithmetic stopped. */
  readonly stalled: number;
  /** Mean hypergradient [p], where it was asked for. */
  readonly hypergradient?: readonly number[];
  /** Worst residual of an adjoint system. */
  readonly residual?: number;
  /** Mean of the bounds omega_i, where every sample has one. */
  readonly bound?: number;
  /** Samples whose residual is no smaller than their upper gradient, so that their adjoint may be nothing at all. */
  readonly unresolved?: number;
  /** Means of the samples' metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Set where a shard stopped early: the sum of upper bounds is above the question's `rejectAbove`, and nothing else is known. */
  readonly rejected?: boolean;
  /** The first position that has no answer; the numbers mean nothing then. */
  readonly problem?: { readonly position: number; readonly kind: SampleProblem };
}

/** What a workload gives to those who ask it rounds. Everything is a pure function of options and seed. */
export interface RespondTask {
  /** Samples m; at least 1. */
  readonly samples: number;
  /** Hyperparameters to start from [p]. */
  readonly theta: Float64Array;
  /** Sample i, from 0. Made when it is asked for, so that a shard builds only its own. */
  sample(index: number): RespondSample;
  /** Artifacts of solutions, by sample: denoised images side by side with noise and truth. */
  results?(solutions: ReadonlyMap<number, Float64Array>): readonly { readonly kind: string; readonly bytes: Uint8Array }[];
}

/** Reduces the answers of all samples, in the order of positions (dealt-samples.ts), and the nodes of their hypergradients, which cover all samples where they were asked for. */
export function reduceAnswers(answers: readonly SampleAnswer[], nodes: readonly NodeSum[] = []): ReducedAnswer {
  const m = answers.length;
  const failed = answers.findIndex(({ problem }) => problem !== undefined);
  const kind = answers[failed]?.problem;
  if (kind !== undefined) return { ...noAnswer, problem: { position: failed, kind } };
  const mean = (of: (answer: SampleAnswer) => number): number => treeSum(answers.map(of)) / m;
  // A sum of m numbers is off by at most (m - 1) u times the sum of their sizes.
  const rounding = (m - 1) * Number.EPSILON * mean((one) => Math.abs(one.value) + one.gradientNorm * one.accuracy);
  const reduced: ReducedAnswer = {
    value: mean(({ value }) => value),
    lowerBound: mean(lowerBoundOf) - rounding,
    upperBound: mean(upperBoundOf) + rounding,
    accuracy: greatest(answers.map(({ accuracy }) => accuracy)),
    gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    iterations: answers.reduce((sum, { iterations, adjoint }) => sum + iterations + (adjoint?.iterations ?? 0), 0),
    stalled: answers.filter(({ stalled }) => stalled).length,
    metrics: meanMetrics(answers, mean),
  };
  const adjoints = answers.map(({ adjoint }) => adjoint).filter((adjoint) => adjoint !== undefined);
  if (adjoints.length < m || nodes.length === 0) return reduced;
  const bounds = adjoints.map(({ bound }) => bound).filter((bound) => bound !== undefined);
  return {
    ...reduced,
    hypergradient: [...combineNodes(m, nodes)].map((sum) => sum / m),
    residual: greatest(adjoints.map(({ residual }) => residual)),
    unresolved: answers.filter(({ adjoint, gradientNorm }) => isUnresolved(adjoint?.residual ?? 0, gradientNorm)).length,
    ...(bounds.length === m ? { bound: treeSum(bounds) / m } : {}),
  };
}

/** No number here is NaN, so that answers survive JSON: those that mean nothing are 0. */
const noAnswer: ReducedAnswer = {
  value: 0,
  lowerBound: 0,
  upperBound: 0,
  accuracy: 0,
  gradientNorm: 0,
  iterations: 0,
  stalled: 0,
  metrics: {},
};

/** What a round comes to that a shard rejected. */
export const rejectedAnswer: ReducedAnswer = { ...noAnswer, rejected: true };

function isUnresolved(residual: number, gradientNorm: number): boolean {
  return residual > 0 && residual >= gradientNorm;
}

/** A loop and not Math.max(...), which fails on a hundred thousand arguments. */
function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most ? value : most), 0);
}

function meanMetrics(
  answers: readonly SampleAnswer[],
  mean: (of: (answer: SampleAnswer) => number) => number,
): Readonly<Record<string, number>> {
  const names = Object.keys(answers[0]?.metrics ?? {});
  return Object.fromEntries(names.map((name) => [name, mean(({ metrics }) => metrics?.[name] ?? Number.NaN)]));
}
