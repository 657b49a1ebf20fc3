/** Points of the box in which hyperparameters lie. */
import type { MaidOptions } from "./options.js";

/** A point a step further along a direction. */
export function stepped(theta: readonly number[], direction: readonly number[], stepLength: number): number[] {
  return theta.map((one, j) => one + stepLength * (direction[j] ?? 0));
}

/** Whether two points are one. */
export function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.every((one, j) => one === b[j]);
}

/** Whether a point lies within the bounds. */
export function inBox(theta: readonly number[], { thetaMin, thetaMax }: MaidOptions): boolean {
  return theta.every((one) => one >= thetaMin && one <= thetaMax);
}
