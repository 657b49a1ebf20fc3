/** Errors and distances against numbers in double precision. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../../kernels/index.js";
import { classificationError, halfSquaredError } from "./losses.js";

await chooseBackend("cpu");

/** float32: 24 bits of numbers up to 1,000. */
function near(seen: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  assert.equal(seen.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) <= tolerance, `${seen[i]} for ${value}`);
}

it("errors and squared distances of each example", () => {
  tf.tidy(() => {
    const outputs = tf.tensor2d([1, 3, 2, 0], [2, 2]);
    near(classificationError(outputs, tf.tensor2d([0, 1, 0, 1], [2, 2])).dataSync(), [0, 1]);
    near(halfSquaredError(outputs, tf.tensor2d([0, 1, 2, 4], [2, 2])).dataSync(), [2.5, 8]);
  });
});
