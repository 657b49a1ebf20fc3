/**
 * First and second derivatives of a tensor function against central differences. For tests: these differences are good to 3e-4 in float32, and
 * the second derivative is checked as a Hessian-vector product against differences of the gradient.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { relativeGap } from "../against-cpu.js";

/** Largest relative gaps of the gradient and of the Hessian-vector product. */
export interface DerivativeGaps {
  readonly first: number;
  readonly second: number;
}

/** Step of the differences. Extrapolated, its fourth power (truncation) is 1e-8; float32's 6e-8 divided by it (rounding) is near 1e-5 a term. */
const STEP = 1e-2;

/**
 * Gaps for f at x, where f gives a scalar. The gradient is compared with differences along each axis of the space for a small x; the Hessian
 * along one direction.
 */
export function derivativeGaps(f: (x: Tensor) => Tensor, x: Tensor): DerivativeGaps {
  const gradient = tf.grad((at: Tensor) => f(at));
  const values = Float32Array.from(x.dataSync());
  const valueAt = (index: number, by: number): number =>
    tf.tidy(() => {
      const moved = values.slice();
      moved[index] = (moved[index] ?? 0) + by;
      return f(tf.tensor(moved, x.shape)).dataSync()[0] ?? Number.NaN;
    });
  // Richardson's extrapolation over h and 2h: the truncation error falls from h^2 to h^4.
  const slope = (index: number): number => {
    const at = (h: number) => (valueAt(index, h) - valueAt(index, -h)) / (2 * h);
    return (4 * at(STEP) - at(2 * STEP)) / 3;
  };
  const slopes = Array.from(values, (_, index) => slope(index));
  const first = relativeGap(
    tf.tidy(() => gradient(x).dataSync()),
    slopes,
  );

  const second = tf.tidy(() => {
    const v = tf.randomNormal(x.shape, 0, 1, "float32", 77);
    const product = tf.grad((at: Tensor) => tf.sum(tf.mul(gradient(at), v)))(x);
    const along = (h: number) => tf.div(tf.sub(gradient(tf.add(x, tf.mul(v, h))), gradient(tf.sub(x, tf.mul(v, h)))), 2 * h);
    const expected = tf.div(tf.sub(tf.mul(along(STEP), 4), along(2 * STEP)), 3);
    return relativeGap(product.dataSync(), expected.dataSync());
  });
  return { first, second };
}
