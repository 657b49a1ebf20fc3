/** The Sobol sequence: against another implementation, its net properties, its evenness, its scramble. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "./keyed-rng.js";
import { sobolBits, sobolCoordinate } from "./sobol-sequence.js";
import { sobolDimensionsMax } from "./sobol-table.js";

/** SciPy walks the same points in the order of Gray codes. */
const gray = (index: number): number => index ^ (index >>> 1);

test("the directions are those of Joe and Kuo, in all dimensions (numbers from SciPy 1.x, qmc.Sobol, unscrambled)", () => {
  const point = Array.from({ length: sobolDimensionsMax }, (_, dimension) => sobolBits(gray(12_345), dimension));
  const some = [0, 1, 2, 10, 100, 500, 999].map((dimension) => point[dimension]);
  assert.deepEqual(some, [2752774144, 3493593088, 688652288, 319029248, 2317090816, 1299447808, 562823168]);
  // All thousand at once: the sum of coordinate times place, modulo 2^53.
  const sum = point.reduce((all, word, dimension) => (all + BigInt(word) * BigInt(dimension + 1)) % 2n ** 53n, 0n);
  assert.equal(sum, 1051492342038528n);
});

test("each dimension puts one of 2^k points in a row into each of 2^k equal cells, scrambled or not", () => {
  for (const dimension of [0, 1, 7, 20, 333, 999]) {
    for (const bits of [1, 4, 8]) {
      const count = 2 ** bits;
      for (const from of [0, 3 * count]) {
        const cells = new Set(
          Array.from({ length: count }, (_, at) => Math.floor(sobolCoordinate(from + at, dimension, 77 + dimension) * count)),
        );
        assert.equal(cells.size, count);
      }
    }
  }
});

test("the first two dimensions are a (0, m, 2)-net: every box of area 2^-m holds one of 2^m points", () => {
  const m = 8;
  for (let wide = 0; wide <= m; wide++) {
    const boxes = new Set<number>();
    for (let index = 0; index < 2 ** m; index++) {
      const x = Math.floor(sobolCoordinate(index, 0, 123) * 2 ** wide);
      const y = Math.floor(sobolCoordinate(index, 1, 456) * 2 ** (m - wide));
      boxes.add(x * 2 ** (m - wide) + y);
    }
    assert.equal(boxes.size, 2 ** m, `boxes of 2^-${wide} by 2^-${m - wide}`);
  }
});

test("points are spread far more evenly than random ones", () => {
  const [count, dimensions] = [256, 3];
  const sobol = Array.from({ length: count }, (_, index) =>
    Array.from({ length: dimensions }, (_, dimension) => sobolCoordinate(index, dimension, 9 + dimension)),
  );
  const rng = createRng(1);
  const random = sobol.map((point) => point.map(() => rng.uniform()));
  // Squared L2 star discrepancy; over five seeds random points had 16 to 51 times as much.
  assert.ok(starDiscrepancy(sobol) * 8 < starDiscrepancy(random), `${starDiscrepancy(sobol)} and ${starDiscrepancy(random)}`);
});

test("scrambles differ by seed and are uniform over seeds", () => {
  const rng = createRng(3);
  const means = new Float64Array(8);
  const seeds = 4000;
  for (let seed = 0; seed < seeds; seed++) {
    const scramble = rng.integer(2 ** 32);
    for (let index = 0; index < means.length; index++)
      means[index] = (means[index] ?? 0) + sobolCoordinate(index, 3, scramble) / seeds;
  }
  // A mean of 4,000 uniform numbers has deviation 0.0046; 4.9 of them, one chance in a million.
  for (const mean of means) assert.ok(Math.abs(mean - 0.5) < 0.0225, `${means}`);
});

test("a scramble flips each digit by the digits before it alone, so that numbers that begin alike begin alike afterwards", () => {
  const rng = createRng(4);
  for (let draw = 0; draw < 300; draw++) {
    const [seed, length] = [rng.integer(2 ** 32), 1 + rng.integer(20)];
    // Point k of the first dimension is k's digits reversed: equal low digits are equal first digits of the coordinate.
    const low = rng.integer(2 ** length);
    const prefixes = [0, 1, 2].map(() => {
      const index = low + 2 ** length * rng.integer(2 ** (32 - length));
      return Math.floor(sobolCoordinate(index, 0, seed) * 2 ** length);
    });
    assert.equal(new Set(prefixes).size, 1, `seed ${seed}, ${length} digits`);
    // The next digit is flipped or not for both halves alike: it stays a permutation of digits.
    const [zero, one] = [0, 1].map((digit) =>
      Math.floor(sobolCoordinate(low + digit * 2 ** length, 0, seed) * 2 ** (length + 1)),
    );
    assert.equal(Math.abs((zero ?? 0) - (one ?? 0)), 1, `seed ${seed}, digit ${length}`);
  }
});

test("an index or dimension beyond the table is a bug", () => {
  assert.throws(() => sobolBits(2 ** 32, 0), /from 0 to 2\^32 - 1/);
  assert.throws(() => sobolBits(-1, 0), /from 0 to 2\^32 - 1/);
  assert.throws(() => sobolBits(0.5, 0), /from 0 to 2\^32 - 1/);
  assert.ok(sobolBits(2 ** 32 - 1, 999) >= 0);
  assert.throws(() => sobolBits(0, -1), /1000 dimensions, not -1/);
  assert.throws(() => sobolBits(0, 1000), /1000 dimensions, not 1000/);
});

/** Warnock's formula for the squared L2 star discrepancy. */
function starDiscrepancy(points: readonly (readonly number[])[]): number {
  const dimensions = points[0]?.length ?? 0;
  const product = (factors: readonly number[]) => factors.reduce((all, factor) => all * factor, 1);
  const single = points.reduce((sum, point) => sum + product(point.map((x) => (1 - x * x) / 2)), 0);
  let pairs = 0;
  for (const a of points) for (const b of points) pairs += product(a.map((x, at) => 1 - Math.max(x, b[at] ?? 0)));
  return 3 ** -dimensions - (2 * single) / points.length + pairs / points.length ** 2;
}
