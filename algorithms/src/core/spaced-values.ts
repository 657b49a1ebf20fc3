/**
 * Values spaced evenly along a parameter's axis, for grids: the ends exactly as they were written, and what lies between them written as shortly
 * as the arithmetic allows, so that seven steps from 1e-5 to 10 are decades and not 0.00009999999999999991.
 */
import { assert, between, cellCount, cellValue, type Parameter, type ParameterValue, type Range, rangeOf } from "@regulus/proto";

/** Digits of a number that was likely meant: nobody writes a range so that its tenths have more. */
const meantDigits = 10;
/** Units in the last place that a sum or a product of two may be off. */
const plainUlps = 4;

/** `count` values in order, both ends among them; the middle where it is one. Fewer where the domain, or the numbers, hold fewer. */
export function spacedValues(parameter: Parameter, count: number): readonly ParameterValue[] {
  const cells = cellCount(parameter);
  if (count >= cells) return Array.from({ length: cells }, (_, index) => cellValue(parameter, index));
  const range = rangeOf(parameter);
  if (range === undefined) return indexes(cells, count).map((index) => cellValue(parameter, index));
  if (count === 1) return [roundedOn(range, 0.5)];
  const inner = Array.from({ length: count - 2 }, (_, at) => roundedOn(range, (at + 1) / (count - 1)));
  const values = [range.min];
  for (const value of inner) if (value > (values.at(-1) ?? range.min) && value < range.max) values.push(value);
  return [...values, range.max];
}

/** Places of `count` values among `cells`, from the first to the last. */
function indexes(cells: number, count: number): readonly number[] {
  if (count === 1) return [Math.floor((cells - 1) / 2)];
  return Array.from({ length: count }, (_, at) => Math.round((at / (count - 1)) * (cells - 1)));
}

/** The value at a share of the way from min to max: a whole number, or the shortest one within the error of the arithmetic. */
function roundedOn({ axis, min, max, whole }: Range, share: number): number {
  const [low, high] = [axis.to(min), axis.to(max)];
  const inside = (value: number) => Math.min(max, Math.max(min, value));
  const value = inside(axis.from(between(low, high, share)));
  if (whole) return inside(Math.round(value));
  // On a linear axis the error is that of the greater end. Elsewhere the coordinate's own error, relative to 1, becomes one of the value.
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const error = axis.isLinear ? plainUlps * ulpOf(largest) : (plainUlps + 2 * largest) * ulpOf(value);
  return inside(shortest(value, error));
}

/** The shortest decimal number near a value: within `error` where it has few digits, else within two units in the last place. */
export function shortest(value: number, error: number): number {
  if (Math.abs(value) <= error) return 0;
  for (let digits = 1; digits <= 17; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.abs(rounded - value) <= (digits <= meantDigits ? error : 2 * ulpOf(value))) return rounded;
  }
  return value;
}

/** The distance from a number to the next one that a double can hold. */
export function ulpOf(value: number): number {
  assert(Number.isFinite(value), () => `a finite number has neighbours, ${value} has none`);
  const exponent = value === 0 ? -1074 : Math.floor(Math.log2(Math.abs(value)));
  return 2 ** Math.max(-1074, exponent - 52);
}
