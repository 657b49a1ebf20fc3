/**
 * Numbers that never change: a search that an earlier version began goes on under this one, and draws what it would have drawn. Whoever changes a
 * digest here changes every search with the same seed.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Parameter, Scale } from "@regulus/proto";
import { createSpace } from "./create-space.js";
import { createDistinctSampler } from "./distinct-sampler.js";
import { createRng } from "./keyed-rng.js";
import type { Rng } from "./rng.js";
import { createSampler, samplerNames } from "./sampler.js";
import { sobolCoordinate } from "./sobol-sequence.js";
import { normalFrom } from "./ziggurat.js";

/** Of numbers as doubles, whatever array they come in. */
const digest = (numbers: ArrayLike<number>): string =>
  createHash("sha256")
    .update(Buffer.from(Float64Array.from(numbers).buffer))
    .digest("hex")
    .slice(0, 16);
const textDigest = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** Streams of keys of every kind. */
const streams = (): Rng[] => {
  const keys = [[], ["trial", 0], ["trial", 12_345], ["odd"], ["even"], [""], [0.1, -3, 2 ** 40, "ü\u{1f600}"]];
  return [0, 7, 2 ** 53 - 1].flatMap((seed) => keys.map((key) => createRng(seed).fork(...key)));
};

test("a key's numbers are what they always were", () => {
  const singles = streams().flatMap((rng) => [
    rng.uniform(),
    rng.normal(),
    ...[1, 2, 3, 10, 1000, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 51, 2 ** 53].map((bound) => rng.integer(bound)),
    ...rng.permutation(9),
    rng.uniform(),
  ]);
  assert.equal(digest(singles), "180588deef23d6fc");
});

test("filled arrays are what they always were, across the places where the filling continues", () => {
  const filled = streams().flatMap((rng, index) => {
    const length = [0, 1, 511, 512, 513, 1023, 1024, 1025, 3000][index % 9] ?? 0;
    return [new Float32Array(length), new Float64Array(length)].flatMap((out) => {
      const uniform = out.slice();
      rng.fillUniform(uniform);
      rng.fillNormal(out);
      return [...uniform, ...out, rng.uniform()];
    });
  });
  assert.equal(digest(filled), "f65de0c6693041e0");
});

test("Sobol points and their scrambles are what they always were", () => {
  const rng = createRng(5);
  const points = Array.from({ length: 2000 }, (_, at) =>
    sobolCoordinate(at < 1000 ? at : rng.integer(2 ** 32), rng.integer(1000), rng.integer(2 ** 32)),
  );
  assert.equal(digest(points), "218c22b6d1cb392b");
});

const parameters: readonly Parameter[] = [
  { name: "rate", domain: { $case: "double", value: { min: 1e-4, max: 1, scale: Scale.SCALE_LOG } }, when: undefined },
  { name: "share", domain: { $case: "double", value: { min: 0.01, max: 0.9, scale: Scale.SCALE_LOGIT } }, when: undefined },
  { name: "units", domain: { $case: "int", value: { min: 8, max: 512, scale: Scale.SCALE_LOG } }, when: undefined },
  { name: "kind", domain: { $case: "categorical", value: { choices: ["a", null, [1, 2]] } }, when: undefined },
  { name: "fast", domain: { $case: "boolean", value: {} }, when: { parameter: "kind", equals: ["a", null] } },
  {
    name: "step",
    domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR, step: 0.25 } },
    when: undefined,
  },
];

test("samplers propose what they always did, with and without initial values, in endless spaces and in finite ones", () => {
  const withInitial = parameters.map((one) => (one.name === "units" ? { ...one, initial: 32 } : one));
  const finite = parameters.slice(3);
  const all = samplerNames.flatMap((name) =>
    [parameters, withInitial].flatMap((space) =>
      [1, 2].map((seed) => Array.from({ length: 40 }, (_, n) => createSampler(name, createSpace(space))(n, createRng(seed)))),
    ),
  );
  assert.equal(textDigest(all), "3ccaab85e11c2c2a");
  const distinct = samplerNames.flatMap((name) =>
    [finite, finite.map((one) => (one.name === "step" ? { ...one, initial: 0.5 } : one))].map((space) => {
      const sampler = createDistinctSampler(name, createSpace(space));
      return Array.from({ length: sampler.trials }, (_, n) => sampler.at(n, createRng(3)));
    }),
  );
  assert.equal(textDigest(distinct), "3c2563ee05dd129c");
});

test("a finite space is gone through as it always was, to its last configurations, which draws seldom meet", () => {
  const wide: Parameter = {
    name: "n",
    domain: { $case: "int", value: { min: 1, max: 1000, scale: Scale.SCALE_LINEAR } },
    when: undefined,
  };
  const order = samplerNames.flatMap((name) => {
    const sampler = createDistinctSampler(name, createSpace([wide]));
    return Array.from({ length: sampler.trials }, (_, n) => Number(sampler.at(n, createRng(3)).n));
  });
  assert.equal(digest(order), "f9366248f237c17a");
});

test("doubles that are filled are those that are drawn one by one", () => {
  for (const length of [1, 511, 512, 513, 1500]) {
    const out = new Float64Array(length);
    createRng(3).fork(length).fillUniform(out);
    const rng = createRng(3).fork(length);
    assert.deepEqual(
      out,
      out.map(() => rng.uniform()),
    );
  }
});

test("normal numbers fall into cells of equal probability, and beyond the last layer like the tail of a normal", () => {
  const [count, cells] = [2 ** 21, 512];
  const drawn = new Float64Array(count);
  createRng(9).fillNormal(drawn);
  const edges = Float64Array.from({ length: cells - 1 }, (_, at) => quantile((at + 1) / cells));
  const seen = new Float64Array(cells);
  const beyond = [3.6541528853610088, 4, 4.4].map((from) => ({ from, seen: 0 }));
  for (const value of drawn) {
    const cell = placeIn(edges, value);
    seen[cell] = (seen[cell] ?? 0) + 1;
    for (const one of beyond) if (Math.abs(value) > one.from) one.seen += 1;
  }
  const expected = count / cells;
  const chiSquare = seen.reduce((sum, one) => sum + (one - expected) ** 2 / expected, 0);
  // 511 degrees of freedom: 511 + 4.9 deviations of 32, one seed in a million.
  assert.ok(chiSquare < 668, `chi-square ${chiSquare}`);
  // Both tails, 2 (1 - Phi(x)).
  for (const [index, share] of [2.58019e-4, 6.33425e-5, 1.08251e-5].entries()) {
    const { from, seen: found = 0 } = beyond[index] ?? {};
    const mean = count * share;
    assert.ok(Math.abs(found - mean) < 4.9 * Math.sqrt(mean), `${found} beyond ${from}, expected ${mean}`);
  }
});

test("a word whose place is certain gives a number by itself, its sign that of the word", () => {
  const none = () => assert.fail("no further word is needed");
  for (const layer of [1, 7, 100, 254]) {
    const [up, down] = [normalFrom((1 << 8) | layer, none), normalFrom((-2 << 8) | layer, none)];
    assert.ok(up > 0 && up === -down, `${up} and ${down}`);
  }
});

/** Number of edges at most the value. */
function placeIn(edges: Float64Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The standard normal quantile: bisection on the distribution function, which is integrated by Simpson's rule (error below 1e-12). */
function quantile(share: number): number {
  let [low, high] = [-8, 8];
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (below(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}

function below(x: number): number {
  const intervals = 200;
  const width = x / intervals;
  let sum = 0;
  for (let at = 0; at <= intervals; at++) {
    const weight = at === 0 || at === intervals ? 1 : at % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((at * width) ** 2) / 2);
  }
  return 0.5 + (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}
