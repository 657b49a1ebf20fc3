/**
 * The unconstrained coordinate in which gradients move a hyperparameter: value = axis(low + (high - low) sigmoid(lam)), in the scale's own
 * coordinate, lam clipped to +-7, since beyond a sigmoid saturates and freezes it. Whole numbers are the floor of a range one longer, so
 * that the top value is reachable (with at most 1,000 values; with more, the outermost ones fall to the clip).
 * Source: MacKay et al., "Self-tuning networks", ICLR 2019, section 3.3 and its released code; the clip and the floor are ours.
 */
import { assert } from "../errors.js";
import type { Parameter } from "../gen/regulus/v1/search.js";
import { coordinateOf, type Range, rangeOf, valueOnAxis } from "./domain.js";

/** Bound of the unconstrained coordinate; sigmoid(7) = 0.99909. */
export const unconstrainedMax = 7;

/** A numeric hyperparameter on the unconstrained line. */
export interface Unconstrained {
  readonly range: Range;
  /** The value at a coordinate, floored where whole. Coordinates beyond the clip count as the clip. */
  value(coordinate: number): number;
  /** As `value` before the floor: smooth and increasing. */
  smoothValue(coordinate: number): number;
  /** Derivative of `smoothValue`; 0 beyond the clip. */
  derivative(coordinate: number): number;
  /** The coordinate of a value, within the clip; the middle of its cell where whole. */
  coordinate(value: number): number;
}

/** The unconstrained line of a double or int parameter. */
export function unconstrainedOf(parameter: Parameter): Unconstrained {
  const range = rangeOf(parameter);
  assert(range !== undefined, `${parameter.name} is a number, since only numbers have an unconstrained coordinate`);
  const { axis, low, high } = range;
  const onAxis = (coordinate: number) => {
    const s = sigmoid(clip(coordinate));
    return low * (1 - s) + high * s;
  };
  return {
    range,
    value: (coordinate) => valueOnAxis(range, onAxis(coordinate)),
    smoothValue: (coordinate) => axis.from(onAxis(coordinate)),
    derivative: (coordinate) => {
      if (Math.abs(coordinate) > unconstrainedMax) return 0;
      // sigmoid' as a product of two sigmoids: 1 - sigmoid(x) loses its digits where x is large.
      const slope = sigmoid(coordinate) * sigmoid(-coordinate) * (high - low);
      return axis.slope(axis.from(onAxis(coordinate))) * slope;
    },
    coordinate: (value) => {
      const at = coordinateOf(range, value);
      // A difference of logarithms of distances to the two ends: exact near both, where log(s / (1 - s)) is not.
      return clip(Math.log(Math.max(0, at - low)) - Math.log(Math.max(0, high - at)));
    },
  };
}

function clip(coordinate: number): number {
  return Math.min(unconstrainedMax, Math.max(-unconstrainedMax, coordinate));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
