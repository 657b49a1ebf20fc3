/**
 * The three updates of BO-REP on plain vectors, used by the machine that owns (y, z) and by tasks that own theirs.
 * Source: arXiv 2401.09587, algorithm 2; the bound of a rate by the minibatch's curvature is ours.
 */

/** A vector that can be written: the plain arrays of a state, or the typed ones of a session. */
export type Vector = number[] | Float64Array;

/** Rate at most 1 / smoothness: a step on a minibatch's quadratic diverges from 2 / smoothness on. A bound of 0 or none means: not known. */
export function boundedRate(rate: number, smoothness: number): number {
  return smoothness > 0 ? Math.min(rate, 1 / smoothness) : rate;
}

/** y <- y - rate gradient, pulled back into the ball around `center` (radius 0 for no ball). */
export function projectedStep(
  y: Vector,
  gradient: ArrayLike<number>,
  { rate, center, radius }: { readonly rate: number; readonly center: ArrayLike<number>; readonly radius: number },
): void {
  let squared = 0;
  for (let i = 0; i < y.length; i++) {
    y[i] = (y[i] ?? 0) - rate * (gradient[i] ?? 0);
    squared += ((y[i] ?? 0) - (center[i] ?? 0)) ** 2;
  }
  const distance = Math.sqrt(squared);
  if (radius === 0 || !(distance > radius)) return;
  for (let i = 0; i < y.length; i++) {
    y[i] = (center[i] ?? 0) + (radius / distance) * ((y[i] ?? 0) - (center[i] ?? 0));
  }
}

/** values <- values - rate direction. */
export function plainStep(values: Vector, direction: ArrayLike<number>, rate: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - rate * (direction[i] ?? 0);
}

/** Keeps `share` of the old momentum. */
export function momentumStep(momentum: Vector, direction: ArrayLike<number>, share: number): void {
  for (let i = 0; i < momentum.length; i++) momentum[i] = share * (momentum[i] ?? 0) + (1 - share) * (direction[i] ?? 0);
}

/** Euclidean norm; NaN or Infinity where a number is. */
export function length(values: ArrayLike<number>): number {
  let squared = 0;
  for (let i = 0; i < values.length; i++) squared += (values[i] ?? 0) ** 2;
  return Math.sqrt(squared);
}
