/**
 * One parameter's domain: the axis it is searched along, its cells, and the way to and from a coordinate between 0 and 1. Whole numbers are
 * the floor of a real range one longer than theirs, [min, max + 1), so that the top value has a cell like every other one: of equal width
 * on a linear scale, of width log((v + 1) / v) on a log scale. Structure (min below max, log above zero) is checked before: `checkSpec`.
 */
import { assert } from "../errors.js";
import { type Parameter, Scale } from "../gen/regulus/v1/search.js";
import { steppedOf } from "../stepped.js";
import { sameValue } from "../value-key.js";

/** A value of a parameter. */
export type ParameterValue = Scalar | readonly Scalar[];
/** A value that is no list. */
export type Scalar = number | string | boolean | null;

/** A monotone coordinate system of a range: linear x, log ln x, logit ln(x / (1 - x)). */
export interface Axis {
  /** Whether values are their own coordinates. */
  readonly isLinear?: true;
  /** Value to coordinate. */
  readonly to: (value: number) => number;
  /** Coordinate to value. */
  readonly from: (coordinate: number) => number;
  /** Derivative of `from`, given the value that it gave. */
  readonly slope: (value: number) => number;
}

/** A numeric domain on its axis. */
export interface Range {
  readonly axis: Axis;
  /** Ends of the real range, in the axis' coordinate. */
  readonly low: number;
  readonly high: number;
  /** Ends in values. */
  readonly min: number;
  readonly max: number;
  /** Whether values are whole numbers. */
  readonly whole: boolean;
}

const linear: Axis = { isLinear: true, to: (value) => value, from: (coordinate) => coordinate, slope: () => 1 };
const log: Axis = { to: Math.log, from: Math.exp, slope: (value) => value };
const logit: Axis = {
  to: (value) => Math.log(value) - Math.log1p(-value),
  from: (coordinate) => 1 / (1 + Math.exp(-coordinate)),
  slope: (value) => value * (1 - value),
};

/** The range of a double or int parameter; undefined for the others, and where it has a step, which makes it a list of values. */
export function rangeOf(parameter: Parameter): Range | undefined {
  const { domain } = parameter;
  assert(domain !== undefined, `parameter ${parameter.name} was checked to have a domain`);
  if (domain.$case !== "double" && domain.$case !== "int") return undefined;
  const { min, max, scale, step } = domain.value;
  if (step !== undefined) return undefined;
  const axis = axisOf(scale);
  const whole = domain.$case === "int";
  return { axis, low: axis.to(min), high: axis.to(whole ? max + 1 : max), min, max, whole };
}

/** Number of values; Infinity for a double without a step. */
export function cellCount(parameter: Parameter): number {
  const { domain } = parameter;
  assert(domain !== undefined, `parameter ${parameter.name} was checked to have a domain`);
  switch (domain.$case) {
    case "double":
      return steppedOf(domain.value)?.count ?? Number.POSITIVE_INFINITY;
    case "int":
      return steppedOf(domain.value)?.count ?? domain.value.max - domain.value.min + 1;
    case "categorical":
      return domain.value.choices.length;
    case "boolean":
      return 2;
  }
}

/** Value number `index` of a discrete domain, in its natural order. */
export function cellValue(parameter: Parameter, index: number): ParameterValue {
  const { domain } = parameter;
  assert(domain !== undefined, `parameter ${parameter.name} was checked to have a domain`);
  if (domain.$case === "double" || domain.$case === "int") {
    const stepped = steppedOf(domain.value);
    assert(stepped !== undefined || domain.$case === "int", `parameter ${parameter.name} is discrete`);
    return stepped === undefined ? domain.value.min + index : stepped.at(index);
  }
  if (domain.$case === "boolean") return index === 1;
  return domain.value.choices[index];
}

/** The value at a coordinate in [0, 1]; 1 itself belongs to the top cell. */
export function valueFromUnit(parameter: Parameter, unit: number): ParameterValue {
  assert(unit >= 0 && unit <= 1, () => `a unit coordinate lies from 0 to 1, and that of ${parameter.name} is ${unit}`);
  const range = rangeOf(parameter);
  if (range !== undefined) return valueOnAxis(range, between(range.low, range.high, unit));
  const cells = cellCount(parameter);
  return cellValue(parameter, Math.min(cells - 1, Math.floor(unit * cells)));
}

/** The coordinate in [0, 1] of a value of the domain; the middle of its cell where it is discrete. */
export function unitFromValue(parameter: Parameter, value: ParameterValue): number {
  const range = rangeOf(parameter);
  if (range === undefined) return (cellIndex(parameter, value) + 0.5) / cellCount(parameter);
  assert(typeof value === "number", `the value of ${parameter.name} was checked to be a number`);
  return share(range.low, range.high, coordinateOf(range, value));
}

/** The value at an axis coordinate: into the range, and to whole numbers by floor. */
export function valueOnAxis(range: Range, coordinate: number): number {
  const real = range.axis.from(coordinate);
  return Math.min(range.max, Math.max(range.min, range.whole ? Math.floor(real) : real));
}

/** The axis coordinate of a value; the middle of its cell where values are whole. */
export function coordinateOf(range: Range, value: number): number {
  if (!range.whole) return range.axis.to(value);
  return between(range.axis.to(value), range.axis.to(value + 1), 0.5);
}

/** From low at 0 to high at 1, without overflow where high - low has no number. */
export function between(low: number, high: number, unit: number): number {
  return low * (1 - unit) + high * unit;
}

/** The inverse of `between`, within [0, 1]. A range of one value has its middle. */
function share(low: number, high: number, coordinate: number): number {
  if (high === low) return 0.5;
  return Math.min(1, Math.max(0, (coordinate / 2 - low / 2) / (high / 2 - low / 2)));
}

/** Place of a value among the cells of a domain that is a list of values; -1 for none. */
function cellIndex(parameter: Parameter, value: unknown): number {
  const { domain } = parameter;
  if (domain?.$case === "categorical") return domain.value.choices.findIndex((choice) => sameValue(choice, value));
  if (domain?.$case === "double" || domain?.$case === "int")
    return (typeof value === "number" ? steppedOf(domain.value)?.indexOf(value) : undefined) ?? -1;
  return value === true ? 1 : value === false ? 0 : -1;
}

function axisOf(scale: Scale): Axis {
  switch (scale) {
    case Scale.SCALE_LOG:
      return log;
    case Scale.SCALE_LOGIT:
      return logit;
    case Scale.SCALE_UNSPECIFIED:
    case Scale.SCALE_LINEAR:
      return linear;
    default:
      throw new Error(`bug: the scale ${scale} was not refused`);
  }
}
