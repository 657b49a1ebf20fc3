/**
 * Points of a scrambled Sobol sequence by their index: no state, any point in the time of one. The scramble is Owen's nested uniform
 * permutation of bits, by hashing, so that every seed gives another sequence with the same (t, m, s) properties.
 * Source: Joe and Kuo 2008 for directions (sobol-table.ts); Owen 1995 for scrambling; Burley, "Practical hash-based Owen scrambling",
 * JCGT 9 (2020), listing 3 with the constants of Vegdahl 2021.
 */
import { assert } from "@regulus/proto";
import { packedDirections, polynomialsByDegree, sobolDimensionsMax } from "./sobol-table.js";

const bits = 32;
/** Points of a sequence; the bits of an index. */
export const sobolPointsMax = 2 ** bits;

/** Coordinate `dimension` of point `index`, in [0, 1), scrambled by a 32-bit seed of that dimension. */
export function sobolCoordinate(index: number, dimension: number, scramble: number): number {
  return nestedScramble(sobolBits(index, dimension), scramble) * 2 ** -bits;
}

/** The first 32 binary digits of a coordinate before scrambling, as an unsigned word. */
export function sobolBits(index: number, dimension: number): number {
  assert(
    Number.isInteger(index) && index >= 0 && index < sobolPointsMax,
    () => `a Sobol index lies from 0 to 2^32 - 1, not ${index}`,
  );
  assert(
    dimension >= 0 && dimension < sobolDimensionsMax,
    `the Sobol table has ${sobolDimensionsMax} dimensions, not ${dimension}`,
  );
  const directions = directionsOf(dimension);
  let word = 0;
  for (let bit = 0, left = index; left > 0; bit++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) word ^= directions[bit] ?? 0;
  }
  return word >>> 0;
}

/** Direction numbers as 32-bit fractions, of the dimensions used so far; filled in order, since the table is packed without an index. */
const known: Uint32Array[] = [];
const reader = { bytes: new Uint8Array(0), at: 0 };

function directionsOf(dimension: number): Uint32Array {
  while (known.length <= dimension) known.push(known.length === 0 ? firstDirections() : readDirections(degreeOf(known.length)));
  const directions = known[dimension];
  assert(directions !== undefined, "the loop above reached this dimension");
  return directions;
}

/** The first dimension is the van der Corput sequence. */
function firstDirections(): Uint32Array {
  return Uint32Array.from({ length: bits }, (_, at) => 2 ** (bits - 1 - at));
}

/** The recurrence of Joe and Kuo, equations 2 and 3, on fractions: v_k = v_{k-s} >> s, xor a_j v_{k-j} for j < s, xor v_{k-s}. */
function readDirections(degree: number): Uint32Array {
  const coefficients = readBits(degree - 1);
  const directions = new Uint32Array(bits);
  for (let at = 0; at < degree; at++) directions[at] = (readBits(at) * 2 + 1) * 2 ** (bits - 1 - at);
  for (let at = degree; at < bits; at++) {
    const oldest = directions[at - degree] ?? 0;
    let word = oldest ^ (oldest >>> degree);
    for (let back = 1; back < degree; back++) {
      if ((coefficients >>> (degree - 1 - back)) & 1) word ^= directions[at - back] ?? 0;
    }
    directions[at] = word >>> 0;
  }
  return directions;
}

function degreeOf(dimension: number): number {
  let left = dimension;
  for (const [at, count] of polynomialsByDegree.entries()) {
    if (left <= count) return at + 1;
    left -= count;
  }
  throw new Error(`bug: the Sobol table ends before dimension ${dimension}`);
}

function readBits(count: number): number {
  if (reader.at === 0) reader.bytes = Uint8Array.from(atob(packedDirections), (character) => character.charCodeAt(0));
  let value = 0;
  for (let left = count; left > 0; left--, reader.at++) {
    const byte = reader.bytes[reader.at >>> 3] ?? 0;
    value = value * 2 + ((byte >>> (7 - (reader.at & 7))) & 1);
  }
  return value;
}

/** Each bit is flipped by a hash of the bits above it; so a hash whose bits depend on lower ones only, on the reversed word. */
function nestedScramble(word: number, seed: number): number {
  let x = reverseBits(word);
  x ^= Math.imul(x, 0x3d20adea);
  x = (x + seed) | 0;
  x = Math.imul(x, (seed >>> 16) | 1);
  x ^= Math.imul(x, 0x05526c56);
  x ^= Math.imul(x, 0x53a22864);
  return reverseBits(x);
}

function reverseBits(word: number): number {
  let x = word;
  x = ((x & 0x55555555) << 1) | ((x >>> 1) & 0x55555555);
  x = ((x & 0x33333333) << 2) | ((x >>> 2) & 0x33333333);
  x = ((x & 0x0f0f0f0f) << 4) | ((x >>> 4) & 0x0f0f0f0f);
  x = ((x & 0x00ff00ff) << 8) | ((x >>> 8) & 0x00ff00ff);
  return ((x << 16) | (x >>> 16)) >>> 0;
}
