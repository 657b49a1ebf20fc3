/** Numbers of 16 bits (IEEE 754 binary16) from and to float32. What lies beyond ±65,504 becomes that: a logit so large says no less. */

/** The greatest finite number of 16 bits. */
export const float16Max = 65_504;
const subnormalUnit = 2 ** -24;
const leastNormal = 2 ** -14;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The nearest number of 16 bits, as bits; of two equally near ones the even. NaN stays NaN. */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const size = Math.min(Math.abs(value), float16Max);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  // Below the least normal number they are evenly spaced.
  if (size < leastNormal) return sign | roundedEven(size / subnormalUnit);
  float[0] = size;
  const bits = word[0] ?? 0;
  // Thirteen bits fewer, and an exponent biased by 15 instead of 127. A carry out of the fraction raises the exponent, as it should.
  const kept = bits >>> 13;
  const rest = bits & 0x1fff;
  const up = rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1) ? 1 : 0;
  return sign | Math.min(kept - (112 << 10) + up, 0x7bff);
}

/** The number that 16 bits stand for. */
export function fromFloat16(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * subnormalUnit : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** All 65,536 of them by their bits: looking up is several times faster than computing. */
export function float16Table(): Float32Array {
  table ??= Float32Array.from({ length: 65_536 }, (_, bits) => fromFloat16(bits));
  return table;
}

function roundedEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
