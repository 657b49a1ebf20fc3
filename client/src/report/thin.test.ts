/** Thinned lines keep their ends, their bound and their spikes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Point, spread, thin } from "./thin.js";

test("a long line becomes short and keeps its ends, its order and a lone spike", () => {
  const points: Point[] = Array.from({ length: 50_000 }, (_, x) => [x, x === 31_234 ? 9 : Math.sin(x / 2000)]);
  const kept = thin(points, 400);
  assert.equal(kept.length, 400);
  assert.deepEqual(kept[0], points[0]);
  assert.deepEqual(kept.at(-1), points.at(-1));
  assert.ok(
    kept.some((point) => point[1] === 9),
    "the spike is gone",
  );
  assert.ok(
    kept.every((point, index) => index === 0 || point[0] > (kept[index - 1]?.[0] ?? 0)),
    "out of order",
  );
});

test("short lines stay as they are, without points that can't be drawn", () => {
  assert.deepEqual(
    thin(
      [
        [1, 2],
        [2, Number.NaN],
        [3, Infinity],
        [4, 5, 7],
      ],
      10,
    ),
    [
      [1, 2],
      [4, 5, 7],
    ],
  );
  assert.deepEqual(thin([], 3), []);
});

test("a spread list has the bound's length and both ends", () => {
  const list = Array.from({ length: 1001 }, (_, index) => index);
  assert.deepEqual(spread(list, 5), [0, 250, 500, 750, 1000]);
  assert.deepEqual(spread([1, 2], 5), [1, 2]);
});
