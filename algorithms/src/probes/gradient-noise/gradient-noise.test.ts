/** Estimates against numbers drawn from a known distribution. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createRng } from "../../core/index.js";
import { gradientNoise } from "./gradient-noise.js";

async function* examples(rows: readonly (readonly [number[], number[]])[]) {
  for (const [a, b] of rows) yield { gradients: new Map([["a", Float32Array.from(a)], ["b", Float32Array.from(b)]]) }; // biome-ignore format: pairs
}

it("is the definition on two parameters", async () => {
  const seen = await gradientNoise(examples([[[1, 2], [3]], [[3, 2], [5]]])); // biome-ignore format: rows
  // Mean (2, 2, 4); squared distances from it 1 + 1 each, over 1.
  assert.deepEqual(seen, { gradientNorm: Math.sqrt(24), gradientVariance: 4, gradientNoiseScale: 4 / (24 - 4 / 2) });
});

it("has no scale where noise hides the gradient", async () => {
  const seen = await gradientNoise(examples([[[1], [0]], [[-1], [0]]])); // biome-ignore format: rows
  assert.deepEqual(seen, { gradientNorm: 0, gradientVariance: 2 });
});

it("finds variance and norm of a distribution", async () => {
  const rng = createRng(7);
  const rows = Array.from({ length: 4000 }, (): [number[], number[]] => [[1 + rng.normal(), 2 * rng.normal()], [2]]);
  const { gradientVariance = 0, gradientNoiseScale = 0 } = await gradientNoise(examples(rows));
  // tr(S) = 1 + 4 with a deviation of sqrt(2 (1 + 16) / 4000) = 0.09; |G|^2 = 1 + 4. Five deviations.
  assert.ok(Math.abs(gradientVariance - 5) < 0.46, `${gradientVariance}`);
  assert.ok(Math.abs(gradientNoiseScale - 1) < 0.15, `${gradientNoiseScale}`);
});
