/**
 * Denoising by smoothed total variation with two hyperparameters:
 *   h(x, theta) = 1/2 |x - y|^2 + e^theta0 sum sqrt(d^2 + e^(2 theta1)),
 * over the differences d of neighbours, right and below. mu is 1 whatever theta is. Source: section 4.3 of MAID (arXiv 2308.10098), anisotropic as
 * there.
 */
import type { LowerProblem } from "../lower-problem.js";

/** The 2-norm of the operator of both differences is below sqrt(8). */
const differencesNorm2 = 8;

/** A grey image, row by row. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  /** [height * width], 0 black to 1 white. */
  readonly pixels: Float64Array;
}

/** The lower level for one noisy image. theta: logarithms of the weight and of the smoothing. */
export function totalVariation({ width, height, pixels: noisy }: GreyImage): LowerProblem {
  const dim = width * height;
  /** Second derivatives at a point: right of each pixel, then below each; 0 at the edges. */
  const curvatures = (x: Float64Array, theta: Float64Array): readonly [Float64Array, Float64Array] => {
    const [weight, smoothing2] = [Math.exp(at(theta, 0)), Math.exp(2 * at(theta, 1))];
    const right = new Float64Array(dim);
    const below = new Float64Array(dim);
    const curvature = (d: number): number => {
      const s2 = d * d + smoothing2;
      return (weight * smoothing2) / (s2 * Math.sqrt(s2));
    };
    for (let i = 0; i < dim; i++) {
      if ((i + 1) % width !== 0) right[i] = curvature(at(x, i + 1) - at(x, i));
      if (i + width < dim) below[i] = curvature(at(x, i + width) - at(x, i));
    }
    return [right, below];
  };
  const hessianAt = (x: Float64Array, theta: Float64Array) => {
    const [right, below] = curvatures(x, theta);
    return (v: Float64Array, out: Float64Array): void => {
      out.set(v);
      for (let i = 0; i < dim - 1; i++) {
        const across = at(right, i) * (at(v, i + 1) - at(v, i));
        out[i] = at(out, i) - across;
        out[i + 1] = at(out, i + 1) + across;
      }
      for (let i = 0; i < dim - width; i++) {
        const down = at(below, i) * (at(v, i + width) - at(v, i));
        out[i] = at(out, i) - down;
        out[i + width] = at(out, i + width) + down;
      }
    };
  };
  return {
    dim,
    thetaDim: 2,
    mu: () => 1,
    smoothness: (theta) => 1 + differencesNorm2 * Math.exp(at(theta, 0) - at(theta, 1)),
    value(x, theta) {
      const smoothing2 = Math.exp(2 * at(theta, 1));
      let [fidelity, variation] = [0, 0];
      for (let i = 0; i < dim; i++) {
        fidelity += (at(x, i) - at(noisy, i)) ** 2;
        if ((i + 1) % width !== 0) variation += Math.sqrt((at(x, i + 1) - at(x, i)) ** 2 + smoothing2);
        if (i + width < dim) variation += Math.sqrt((at(x, i + width) - at(x, i)) ** 2 + smoothing2);
      }
      return 0.5 * fidelity + Math.exp(at(theta, 0)) * variation;
    },
    gradient(x, theta, out) {
      const [weight, smoothing2] = [Math.exp(at(theta, 0)), Math.exp(2 * at(theta, 1))];
      for (let i = 0; i < dim; i++) out[i] = at(x, i) - at(noisy, i);
      for (let row = 0; row < dim; row += width) {
        for (let i = row; i < row + width - 1; i++) {
          const d = at(x, i + 1) - at(x, i);
          const slope = (weight * d) / Math.sqrt(d * d + smoothing2);
          out[i] = at(out, i) - slope;
          out[i + 1] = at(out, i + 1) + slope;
        }
      }
      for (let i = 0; i < dim - width; i++) {
        const d = at(x, i + width) - at(x, i);
        const slope = (weight * d) / Math.sqrt(d * d + smoothing2);
        out[i] = at(out, i) - slope;
        out[i + width] = at(out, i + width) + slope;
      }
    },
    hessianVector: (x, theta, v, out) => hessianAt(x, theta)(v, out),
    hessianAt,
    crossTransposed(x, theta, q, out) {
      const [weight, smoothing2] = [Math.exp(at(theta, 0)), Math.exp(2 * at(theta, 1))];
      let [byWeight, bySmoothing] = [0, 0];
      const add = (d: number, dq: number): void => {
        const s2 = d * d + smoothing2;
        const slope = d / Math.sqrt(s2);
        byWeight += slope * dq;
        bySmoothing -= ((slope * smoothing2) / s2) * dq;
      };
      for (let i = 0; i < dim; i++) {
        if ((i + 1) % width !== 0) add(at(x, i + 1) - at(x, i), at(q, i + 1) - at(q, i));
        if (i + width < dim) add(at(x, i + width) - at(x, i), at(q, i + width) - at(q, i));
      }
      out[0] = weight * byWeight;
      out[1] = weight * bySmoothing;
    },
    lipschitz(x, theta) {
      const [weight, smoothing] = [Math.exp(at(theta, 0)), Math.exp(at(theta, 1))];
      // |d / sqrt| and |d smoothing^2 / sqrt^3| over all differences, carried back by an operator of norm sqrt(8).
      let sum = 0;
      for (let i = 0; i < dim; i++) {
        for (const other of [(i + 1) % width === 0 ? i : i + 1, i + width < dim ? i + width : i]) {
          const d2 = (at(x, other) - at(x, i)) ** 2;
          const slope2 = d2 / (d2 + smoothing ** 2);
          sum += slope2 + slope2 * (1 - slope2) ** 2;
        }
      }
      return {
        crossNorm: weight * Math.sqrt(differencesNorm2 * sum),
        // Both columns of J have derivatives of at most 1 / smoothing in each difference.
        crossLipschitz: (Math.SQRT2 * differencesNorm2 * weight) / smoothing,
        // The third derivative is at most 0.8587 / smoothing^2 (at d = smoothing / 2); one difference moves by at most sqrt(2) |x - x'|.
        hessianLipschitz: (Math.SQRT2 * differencesNorm2 * 0.8587 * weight) / smoothing ** 2,
      };
    },
  };
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
