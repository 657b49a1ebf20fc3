/**
 * The search space as strategies and procedures see it: named parameters with domains, conditions, and two coordinate systems (the
 * unit cube for black-box strategies, the unconstrained line for gradients).
 */
import type { Parameter, ParameterValue } from "@regulus/proto";

/** Values of the active parameters, by name. */
export type Configuration = Readonly<Record<string, ParameterValue>>;

/** A search space. */
export interface Space {
  /** Parameters in the user's order; a condition refers to an earlier one. */
  readonly parameters: readonly Parameter[];
  /** Number of configurations; Infinity where a double is among them. */
  readonly size: number;
  /** A point of the unit cube, one coordinate a parameter, to a configuration. Coordinates of inactive parameters are ignored. */
  fromUnit(point: ArrayLike<number>): Configuration;
  /** As `fromUnit`, but parameters that have an initial value take it. */
  startFrom(point: ArrayLike<number>): Configuration;
  /** A configuration to the unit cube; an inactive parameter gives 0.5. Discrete values give the middle of their cell. */
  toUnit(configuration: Configuration): Float64Array;
  /** Whether a parameter exists given the values of the ones before it. */
  isActive(name: string, configuration: Configuration): boolean;
  /** What is wrong with a configuration, in words; empty where it lies in the space. */
  check(configuration: Configuration): readonly string[];
  /** The configuration of the initial values, or undefined where a parameter has none. */
  readonly initial: Configuration | undefined;
}
