/** Margins mirror, come off again, and leave an upper function's value, gradient and constants what they are inside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../core/index.js";
import { logErrorTo } from "../solvers/problems/squared-error.js";
import { insideMargin, withMargin, withoutMargin } from "./image-margins.js";

test("an image is mirrored with its outermost pixels twice, and comes back", () => {
  const image = { width: 3, height: 2, pixels: Float64Array.of(1, 2, 3, 4, 5, 6) };
  const { width, height, pixels } = withMargin(image, 2);
  assert.deepEqual([width, height], [7, 6]);
  const rows = Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width, (y + 1) * width)]);
  const [first, second] = [
    [2, 1, 1, 2, 3, 3, 2],
    [5, 4, 4, 5, 6, 6, 5],
  ];
  assert.deepEqual(rows, [second, first, first, second, second, first]);
  assert.deepEqual(withoutMargin(pixels, image, 2), image.pixels);
});

test("an upper function sees what is inside the margins, by differences", () => {
  for (const seed of [1, 2, 3]) {
    const rng = createRng(seed);
    const normal = (key: string, length: number): Float64Array => {
      const out = new Float64Array(length);
      rng.fork(key).fillNormal(out);
      return out;
    };
    const size = { width: 4, height: 5 };
    const judged = logErrorTo(normal("truth", 20), 0.5);
    const upper = insideMargin(judged, size, 1);
    const x = normal("x", 6 * 7);
    assert.equal(upper.value(x), judged.value(withoutMargin(x, size, 1)));
    assert.deepEqual([upper.smoothness, upper.convex], [judged.smoothness, judged.convex]);
    const gradient = new Float64Array(x.length).fill(7);
    upper.gradient(x, gradient);
    for (let i = 0; i < x.length; i++) {
      const step = 1e-5;
      const moved = (by: number) => upper.value(x.map((one, j) => (j === i ? one + by : one)));
      // Central differences of step 1e-5 leave 1e-10 from curvature and from rounding.
      assert.ok(Math.abs((moved(step) - moved(-step)) / (2 * step) - (gradient[i] ?? 9)) < 1e-8);
    }
    assert.equal(gradient[0], 0);
  }
});
