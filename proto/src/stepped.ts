/**
 * The values of a range with a step: min, min + step, min + 2 step ... up to max, which need not be one of them. Decimal arithmetic, as the numbers
 * were written: steps of 0.1 from 0 give 0.3, not 0.30000000000000004.
 */

/** A range as a domain states it. */
interface SteppedRange {
  readonly min: number;
  readonly max: number;
  readonly step?: number | undefined;
}

/** Values by number, from 0. */
export interface Stepped {
  readonly count: number;
  at(index: number): number;
  /** The number of a value; undefined where it is none of these. */
  indexOf(value: number): number | undefined;
}

/** The values of a range that has a step; undefined for one that has none. Its ends are finite, the step is above 0. */
export function steppedOf({ min, max, step }: SteppedRange): Stepped | undefined {
  if (typeof step !== "number") return undefined;
  const decimals = Math.max(decimalsOf(min), decimalsOf(max), decimalsOf(step));
  const [first, last, by] = [scaled(min, decimals), scaled(max, decimals), scaled(step, decimals)];
  const count = Number((last - first) / by) + 1;
  const at = (index: number) => Number(`${first + BigInt(index) * by}e-${decimals}`);
  return {
    count,
    at,
    indexOf: (value) => {
      if (!(value >= min && value <= max)) return undefined;
      // The nearest two: a value's own decimals may be cut where the sum has more than a double holds.
      const places = Math.max(decimals, decimalsOf(value));
      const below = Number((scaled(value, places) - scaled(min, places)) / scaled(step, places));
      return [below, below + 1].find((index) => index < count && at(index) === value);
    },
  };
}

/** Digits after the point of the shortest decimal that gives a number. */
function decimalsOf(value: number): number {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  return Math.max(0, (mantissa.split(".")[1] ?? "").length - Number(exponent));
}

/** A number times a power of ten that makes it whole. */
function scaled(value: number, decimals: number): bigint {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return BigInt(whole + fraction) * 10n ** BigInt(decimals + Number(exponent) - fraction.length);
}
