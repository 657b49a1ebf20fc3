/**
 * Directions of steps: minus the hypergradient, with or without the length of Barzilai and Borwein, or that of L-BFGS. Curvature is only guessed from
 * inexact hypergradients, which costs trials where it is wrong and never the certificate. Pure.
 * Sources: Barzilai and Borwein, IMA J. Numer. Anal. 8 (1988); Nocedal and Wright, Numerical Optimization, Algorithm 7.4.
 */
import type { MaidOptions } from "./options.js";

/** A point that a step began at. */
export interface PastPoint {
  /** [p] */
  readonly theta: readonly number[];
  /** [p] */
  readonly hypergradient: readonly number[];
}

/** Past points that L-BFGS looks at. */
const memory = 10;

/** Past points that a direction needs. */
export function memoryOf(direction: MaidOptions["direction"]): number {
  return { gradient: 0, "barzilai-borwein": 1, "l-bfgs": memory }[direction];
}

/** The direction at the newest point, and the step length that is tried first; `fallback` where the past says nothing. */
export function directionFrom(
  kind: MaidOptions["direction"],
  past: readonly PastPoint[],
  now: PastPoint,
  fallback: number,
): { readonly direction: readonly number[]; readonly stepLength: number } {
  const steepest = now.hypergradient.map((one) => -one);
  const points = [...past, now];
  const pairs = points.slice(1).map((point, i) => difference(point, points[i] ?? point));
  const usable = pairs.filter(({ sy, yy }) => sy > 1e-12 * yy && yy > 0);
  const newest = pairs.at(-1);
  if (kind === "gradient" || newest === undefined || usable.length === 0) return { direction: steepest, stepLength: fallback };
  if (kind === "barzilai-borwein")
    return { direction: steepest, stepLength: newest.sy > 0 ? dot(newest.s, newest.s) / newest.sy : fallback };
  return { direction: quasiNewton(usable, steepest), stepLength: 1 };
}

interface Pair {
  readonly s: readonly number[];
  readonly y: readonly number[];
  readonly sy: number;
  readonly yy: number;
}

function difference(next: PastPoint, before: PastPoint): Pair {
  const s = next.theta.map((one, j) => one - (before.theta[j] ?? 0));
  const y = next.hypergradient.map((one, j) => one - (before.hypergradient[j] ?? 0));
  return { s, y, sy: dot(s, y), yy: dot(y, y) };
}

/** The two-loop recursion: minus the inverse Hessian's estimate times the hypergradient. */
function quasiNewton(pairs: readonly Pair[], steepest: readonly number[]): readonly number[] {
  let d = [...steepest];
  const alphas: number[] = [];
  for (const { s, y, sy } of pairs.toReversed()) {
    const alpha = dot(s, d) / sy;
    alphas.push(alpha);
    d = d.map((one, j) => one - alpha * (y[j] ?? 0));
  }
  const newest = pairs.at(-1);
  const scale = newest === undefined ? 1 : newest.sy / newest.yy;
  d = d.map((one) => scale * one);
  for (const { s, y, sy } of pairs) {
    const beta = dot(y, d) / sy;
    const alpha = alphas.pop() ?? 0;
    d = d.map((one, j) => one + (alpha - beta) * (s[j] ?? 0));
  }
  return d;
}

/** Inner product. */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] ?? 0) * (b[j] ?? 0);
  return sum;
}
