/** The compiled arithmetic of fields of experts against loops written out here, on widths that leave every rest; and that calls don't disturb each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, type Rng } from "../../core/index.js";
import { type ExpertFilters, type ExpertsShape, expertsKernels } from "./experts-kernels.js";
import { filterSides } from "./filter-sides.js";

/** Sums of some hundred terms around 1, of which both sides round each. */
const tolerance = 1e-11;

/** Widths leave rests of all sizes behind blocks of eight columns, and the last images are as small as can be mirrored. */
const shapes: readonly ExpertsShape[] = filterSides.flatMap((side) => [
  ...Array.from({ length: 8 }, (_, rest) => ({ side, width: side + 8 + rest, height: side + rest, filters: 1 + (rest % 3) })),
  { side, width: (side - 1) / 2, height: (side - 1) / 2, filters: 2 },
]);

const normal = (rng: Rng, length: number): Float64Array => {
  const out = new Float64Array(length);
  rng.fillNormal(out);
  return out;
};

function draw({ width, height, side, filters }: ExpertsShape, rng: Rng) {
  const of: ExpertFilters = {
    taps: normal(rng.fork("taps"), filters * side * side),
    weights: normal(rng.fork("weights"), filters).map(Math.exp),
    smoothings: normal(rng.fork("smoothings"), filters).map(Math.exp),
  };
  const [x, y, v] = (["x", "y", "v"] as const).map((name) => normal(rng.fork(name), width * height));
  return { of, x: x as Float64Array, y: y as Float64Array, v: v as Float64Array };
}

/** Of a line of pixels that goes to and fro for ever, each end's pixel twice. */
const seenAt = (i: number, length: number): number => {
  const place = (i + 2 * length) % (2 * length);
  return Math.min(place, 2 * length - 1 - place);
};

/** Every place of every filter: its number k, its response to an image, and the pixels and taps that it takes in. */
function* places({ width, height, side, filters }: ExpertsShape, { taps }: ExpertFilters) {
  const half = (side - 1) / 2;
  for (let k = 0; k < filters; k++)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) {
        const seen = Array.from({ length: side * side }, (_, n) => {
          const row = seenAt(i - half + Math.floor(n / side), height);
          const pixel = row * width + seenAt(j - half + (n % side), width);
          return { n, pixel, tap: taps[k * side * side + n] ?? 0 };
        });
        const respond = (image: Float64Array) => seen.reduce((sum, { pixel, tap }) => sum + tap * (image[pixel] ?? 0), 0);
        yield { k, seen, respond };
      }
}

function assertClose(actual: Float64Array, expected: Float64Array, words: string): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(
      Math.abs((actual[i] ?? Number.NaN) - value) <= tolerance * (1 + Math.abs(value)),
      `${words}[${i}]: ${actual[i]}, ${value}`,
    );
}

const add = (out: Float64Array, at: number, by: number): void => {
  out[at] = (out[at] ?? 0) + by;
};

for (const shape of shapes)
  test(`filters of ${shape.side}x${shape.side} on ${shape.width}x${shape.height}, as loops have it`, () => {
    const { of, x, y, v } = draw(shape, createRng(shape.width));
    const kernels = expertsKernels(shape);
    const pixels = shape.width * shape.height;
    const gradient = x.map((one, i) => one - (y[i] ?? 0));
    const product = v.slice();
    const [byWeights, bySmoothings] = [new Float64Array(shape.filters), new Float64Array(shape.filters)];
    const byTaps = new Float64Array(of.taps.length);
    let energy = 0;
    for (const { k, seen, respond } of places(shape, of)) {
      const [z, along, weight, s] = [respond(x), respond(v), of.weights[k] ?? 0, of.smoothings[k] ?? 0];
      const root = Math.sqrt(z * z + s);
      const [slope, curvature] = [(weight * z) / root, (weight * s) / root ** 3];
      energy += weight * root;
      add(byWeights, k, slope * along);
      // By l in s = e^(2 l): the slope moves by -w z s / root^3.
      add(bySmoothings, k, -z * curvature * along);
      for (const { n, pixel, tap } of seen) {
        add(gradient, pixel, slope * tap);
        add(product, pixel, curvature * along * tap);
        add(byTaps, k * shape.side ** 2 + n, slope * (v[pixel] ?? 0) + curvature * along * (x[pixel] ?? 0));
      }
    }
    const out = new Float64Array(pixels).fill(7);
    kernels.gradient(of, x, y, out);
    assertClose(out, gradient, "gradient");
    assert.ok(Math.abs(kernels.energy(of, x) - energy) <= tolerance * energy);
    kernels.hessianAt(of, x)(v, out);
    assertClose(out, product, "product");
    const cross = kernels.cross(of, x, v);
    assertClose(cross.byWeights, byWeights, "byWeights");
    assertClose(cross.bySmoothings, bySmoothings, "bySmoothings");
    assertClose(cross.byTaps, byTaps, "byTaps");
  });

test("a Hessian gives the same bits after calls of other shapes, and after its filters and point were written over", () => {
  const shape: ExpertsShape = { width: 20, height: 17, side: 5, filters: 3 };
  const { of, x, y, v } = draw(shape, createRng(1));
  const apply = expertsKernels(shape).hessianAt(of, x);
  const [expected, out] = [new Float64Array(v.length), new Float64Array(v.length)];
  apply(v, expected);
  for (const other of [...shapes, { width: 120, height: 90, side: 7, filters: 12 } as const]) {
    const drawn = draw(other, createRng(2));
    const kernels = expertsKernels(other);
    const [large, again] = [new Float64Array(drawn.x.length), new Float64Array(drawn.x.length)];
    const otherHessian = kernels.hessianAt(drawn.of, drawn.x);
    otherHessian(drawn.v, large);
    apply(v, out);
    assert.deepEqual(out, expected);
    otherHessian(drawn.v, again);
    assert.deepEqual(again, large);
    kernels.gradient(drawn.of, drawn.x, drawn.y, large);
    kernels.cross(drawn.of, drawn.x, drawn.y);
  }
  of.taps.fill(0);
  x.set(y);
  apply(v, out);
  assert.deepEqual(out, expected);
});
