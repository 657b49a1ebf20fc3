/**
 * Random numbers: the published vectors of both generators, keys, and statistics. Statistical tests run from fixed seeds, so they fail by a
 * change only; on a fresh seed each would fail by chance once in a million.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "./keyed-rng.js";
import { type Block, philox } from "./philox.js";
import { fillWords } from "./xoshiro.js";

/** From kat_vectors of Random123, lines "philox4x32 10". */
test("Philox gives the published words", () => {
  const ones = 0xffffffff;
  const vectors: readonly [Block, readonly [number, number], Block][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [counter, key, expected] of vectors) assert.deepEqual(philox(counter, key), expected);
});

/** From the authors' reference code, state 1, 2, 3, 4. */
test("xoshiro128++ gives the published words", () => {
  const out = new Int32Array(10);
  fillWords(Int32Array.of(1, 2, 3, 4), out, out.length);
  const expected = [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420];
  assert.deepEqual(
    Array.from(out, (word) => word >>> 0),
    expected,
  );
});

test("a key alone decides what is drawn", () => {
  const root = createRng(3);
  const before = root.fork("trial", 5).uniform();
  root.uniform();
  root.fork("trial", 4).normal();
  assert.equal(root.fork("trial", 5).uniform(), before);
  assert.equal(root.fork("trial").fork(5).uniform(), before);
  assert.equal(createRng(3).fork("trial", 5).uniform(), before);
});

test("unlike keys give unlike streams", () => {
  const keys = [
    ["a"],
    ["b"],
    ["ab"],
    ["a", "b"],
    ["", "ab"],
    ["a\0"],
    [1],
    ["1"],
    [0.5],
    [1, 2],
    [2, 1],
    [12],
    [-1],
    [2 ** 53],
    [],
  ];
  const seeds = [0, 1, 2, 2 ** 32, 2 ** 53 - 1];
  const drawn = [...keys.map((key) => createRng(9).fork(...key)), ...seeds.map(createRng)].map((rng) => rng.uniform());
  assert.equal(new Set(drawn).size, keys.length + seeds.length);
  assert.equal(createRng(1).fork(-0).uniform(), createRng(1).fork(0).uniform());
});

test("uniform numbers are uniform, single and filled, float and double", () => {
  const count = 1 << 18;
  const cells = 256;
  const rng = createRng(1);
  const float = new Float32Array(count);
  rng.fillUniform(float);
  const double = new Float64Array(count);
  rng.fillUniform(double);
  const single = Float64Array.from({ length: count }, () => rng.uniform());
  // One number from each of as many keys: the streams' beginnings are uniform too.
  const forked = Float64Array.from({ length: count / 8 }, (_, key) => rng.fork(key).uniform());
  for (const drawn of [float, double, single, forked]) {
    const counts = new Float64Array(cells);
    for (const value of drawn) {
      assert.ok(value >= 0 && value < 1);
      const cell = Math.floor(value * cells);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    const expected = drawn.length / cells;
    const chiSquare = counts.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    // Chi-square with 255 degrees of freedom exceeds 373 with probability 1e-6.
    assert.ok(chiSquare < 373, `chi-square ${chiSquare}`);
  }
});

test("normal numbers are normal and independent of their neighbours", () => {
  const drawn = new Float64Array(200_000);
  createRng(2).fillNormal(drawn);
  const sorted = Float64Array.from(drawn).sort();
  const distance = sorted.reduce((most, value, at) => {
    const expected = normalBelow(value);
    return Math.max(most, Math.abs(expected - at / sorted.length), Math.abs(expected - (at + 1) / sorted.length));
  }, 0);
  // Kolmogorov's bound: sqrt(-ln(1e-6 / 2) / 2) = 2.69.
  assert.ok(distance * Math.sqrt(drawn.length) < 2.69, `distance ${distance}`);
  for (const lag of [1, 2, 3]) {
    const sum = drawn.reduce((all, value, at) => all + value * (drawn[at + lag] ?? 0), 0);
    // A standard normal beyond 4.9 has probability 1e-6.
    assert.ok(Math.abs(sum) / Math.sqrt(drawn.length) < 4.9, `lag ${lag}: ${sum}`);
  }
});

test("neighbouring keys are uncorrelated", () => {
  const [a, b] = [new Float64Array(100_000), new Float64Array(100_000)];
  createRng(4).fork("trial", 1).fillNormal(a);
  createRng(4).fork("trial", 2).fillNormal(b);
  const sum = a.reduce((all, value, at) => all + value * (b[at] ?? 0), 0);
  assert.ok(Math.abs(sum) / Math.sqrt(a.length) < 4.9, `sum ${sum}`);
});

test("single normals are the filled ones' kind", () => {
  const rng = createRng(6);
  const drawn = Array.from({ length: 20_000 }, () => rng.normal());
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const square = drawn.reduce((sum, value) => sum + value * value, 0) / drawn.length;
  assert.ok(Math.abs(mean) * Math.sqrt(drawn.length) < 4.9, `mean ${mean}`);
  // A square of a normal has variance 2.
  assert.ok(Math.abs(square - 1) * Math.sqrt(drawn.length / 2) < 4.9, `mean square ${square}`);
});

test("whole numbers are below their bound and without bias", () => {
  const rng = createRng(5);
  const counts = [0, 0, 0];
  // 3 * 2^30 bounds nearly a quarter of 32-bit words away: a modulo without rejection would favour the lower third by half.
  for (let draw = 0; draw < 30_000; draw++) {
    const third = Math.floor(rng.integer(3 * 2 ** 30) / 2 ** 30);
    counts[third] = (counts[third] ?? 0) + 1;
  }
  // Each third's count has deviation sqrt(30000 * 2/9) = 82; 4.9 of them.
  for (const seen of counts) assert.ok(Math.abs(seen - 10_000) < 400, `${counts}`);
  for (const bound of [1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 53]) {
    const value = rng.integer(bound);
    assert.ok(Number.isInteger(value) && value >= 0 && value < bound);
  }
  assert.throws(() => rng.integer(0), /bound from 1 to 2\^53, not 0/);
  for (const bound of [1.5, -1, 2 ** 53 + 2, Number.NaN]) assert.throws(() => rng.integer(bound), /bound from 1 to 2\^53/);
});

test("a word at the end of the greatest multiple of the bound is drawn again, and the one before it is taken", () => {
  let found = 0;
  for (let key = 0; key < 40; key++) {
    const rng = () => createRng(5).fork("edge", key);
    const words = rng();
    const [first, second] = [words.integer(2 ** 32), words.integer(2 ** 32)];
    // A bound above half of all words goes into them once: its multiple ends at the bound itself.
    if (first <= 2 ** 31 || second >= first - 1) continue;
    found += 1;
    assert.equal(rng().integer(first), second);
    assert.equal(rng().integer(first + 1), first);
    const wide = rng();
    const all = wide.integer(2 ** 53);
    if (all > 2 ** 52) assert.notEqual(rng().integer(all), 0, "with words of 53 bits too");
  }
  assert.ok(found > 5, `${found} keys`);
});

test("a permutation holds every number once, each place alike", () => {
  const rng = createRng(8);
  const first = new Float64Array(5);
  for (let draw = 0; draw < 20_000; draw++) {
    const permutation = rng.permutation(5);
    assert.deepEqual(Int32Array.from(permutation).sort(), Int32Array.of(0, 1, 2, 3, 4));
    const at = permutation[0] ?? 0;
    first[at] = (first[at] ?? 0) + 1;
  }
  // Deviation sqrt(20000 * 0.16) = 57; 4.9 of them.
  for (const seen of first) assert.ok(Math.abs(seen - 4000) < 278, `${first}`);
  assert.equal(rng.permutation(0).length, 0);
});

test("a seed is a whole number", () => {
  for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => createRng(seed), /a seed is a whole number/);
});

/** The standard normal distribution function; Abramowitz and Stegun 7.1.26, error below 1.5e-7. */
function normalBelow(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-z * z);
  return x < 0 ? tail / 2 : 1 - tail / 2;
}
