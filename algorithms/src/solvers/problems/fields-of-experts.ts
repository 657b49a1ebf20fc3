/**
 * Denoising by a convex field of experts: learned filters c_k with weights and smoothings of their own,
 *   h(x, theta) = 1/2 |x - y|^2 + e^b sum_k e^(a_k) sum sqrt((c_k * x)^2 + e^(2 l_k)),
 * over the places where a filter fits; filters act less the mean of their taps, since a filter that sees brightness spoils every image and that
 * one stiff direction would hold all steps back. theta = [b, a_1 .. a_K, l_1 .. l_K, taps of c_1, .., taps of c_K]. mu is 1 whatever theta is. Total variation is
 * the case of two difference filters. Source: section 4.4 of MAID (arXiv 2308.10098); Roth and Black, IJCV 82 (2009).
 */
import type { LowerProblem } from "../lower-problem.js";
import { addTapProducts, addTransposed, correlate, type FilterSide } from "./convolution.js";
import type { GreyImage } from "./total-variation.js";

/** Sizes of a field of experts. */
export interface ExpertSizes {
  /** K. */
  readonly filters: number;
  readonly side: FilterSide;
}

/** Frequencies a dimension at which the operator's norm is sampled; the bound between them is rigorous. */
const frequencies = 64;

/** Length of theta. */
export function expertsThetaDim({ filters, side }: ExpertSizes): number {
  return 1 + filters * (2 + side * side);
}

/** The lower level for one noisy image. Its buffers are its own: not re-entrant. */
export function fieldsOfExperts({ width, height, pixels: noisy }: GreyImage, sizes: ExpertSizes): LowerProblem {
  const { filters, side } = sizes;
  const window = { width, height, side };
  const dim = width * height;
  const places = (width - side + 1) * (height - side + 1);
  const taps = side * side;
  const tapsFrom = 1 + 2 * filters;
  const response = new Float64Array(places);
  /** Taps less their means, of the theta last looked at. */
  const centred = new Float64Array(filters * taps);
  const centre = (theta: Float64Array): Float64Array => {
    for (let from = 0; from < centred.length; from += taps) {
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += at(theta, tapsFrom + from + i);
      for (let i = 0; i < taps; i++) centred[from + i] = at(theta, tapsFrom + from + i) - sum / taps;
    }
    return centred;
  };
  const along = new Float64Array(places);
  const weightOf = (theta: Float64Array, k: number): number => Math.exp(at(theta, 0) + at(theta, 1 + k));
  const smoothing2Of = (theta: Float64Array, k: number): number => Math.exp(2 * at(theta, 1 + filters + k));

  const hessianAt = (x: Float64Array, theta: Float64Array) => {
    const coefficients = Float64Array.from(centre(theta));
    const curvatures = Array.from({ length: filters }, (_, k) => {
      const [weight, smoothing2] = [weightOf(theta, k), smoothing2Of(theta, k)];
      correlate(window, x, coefficients, k * taps, response);
      const curvature = new Float64Array(places);
      for (let i = 0; i < places; i++) {
        const z = at(response, i);
        const s2 = z * z + smoothing2;
        curvature[i] = (weight * smoothing2) / (s2 * Math.sqrt(s2));
      }
      return curvature;
    });
    return (v: Float64Array, out: Float64Array): void => {
      out.set(v);
      for (const [k, curvature] of curvatures.entries()) {
        const from = k * taps;
        correlate(window, v, coefficients, from, response);
        for (let i = 0; i < places; i++) response[i] = at(response, i) * at(curvature, i);
        addTransposed(window, response, coefficients, from, out);
      }
    };
  };

  return {
    dim,
    thetaDim: expertsThetaDim(sizes),
    mu: () => 1,
    smoothness(theta) {
      const scales = Array.from({ length: filters }, (_, k) => weightOf(theta, k) / Math.sqrt(smoothing2Of(theta, k)));
      return 1 + operatorNorm2(centre(theta), scales, side);
    },
    value(x, theta) {
      centre(theta);
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += 0.5 * (at(x, i) - at(noisy, i)) ** 2;
      for (let k = 0; k < filters; k++) {
        const [weight, smoothing2] = [weightOf(theta, k), smoothing2Of(theta, k)];
        correlate(window, x, centred, k * taps, response);
        for (let i = 0; i < places; i++) sum += weight * Math.sqrt(at(response, i) ** 2 + smoothing2);
      }
      return sum;
    },
    gradient(x, theta, out) {
      centre(theta);
      for (let i = 0; i < dim; i++) out[i] = at(x, i) - at(noisy, i);
      for (let k = 0; k < filters; k++) {
        const [weight, smoothing2] = [weightOf(theta, k), smoothing2Of(theta, k)];
        const from = k * taps;
        correlate(window, x, centred, from, response);
        for (let i = 0; i < places; i++) {
          const z = at(response, i);
          response[i] = (weight * z) / Math.sqrt(z * z + smoothing2);
        }
        addTransposed(window, response, centred, from, out);
      }
    },
    hessianVector: (x, theta, v, out) => hessianAt(x, theta)(v, out),
    hessianAt,
    crossTransposed(x, theta, q, out) {
      out.fill(0);
      centre(theta);
      for (let k = 0; k < filters; k++) {
        const [weight, smoothing2] = [weightOf(theta, k), smoothing2Of(theta, k)];
        const from = tapsFrom + k * taps;
        correlate(window, x, centred, k * taps, response);
        correlate(window, q, centred, k * taps, along);
        let [byWeight, bySmoothing] = [0, 0];
        for (let i = 0; i < places; i++) {
          const z = at(response, i);
          const s2 = z * z + smoothing2;
          const slope = (weight * z) / Math.sqrt(s2);
          const curvature = (weight * smoothing2) / (s2 * Math.sqrt(s2));
          byWeight += slope * at(along, i);
          bySmoothing -= z * curvature * at(along, i);
          // By a tap c: slope' (c * q) x + slope q, at the place of the tap.
          along[i] = curvature * at(along, i);
          response[i] = slope;
        }
        out[0] = at(out, 0) + byWeight;
        out[1 + k] = byWeight;
        out[1 + filters + k] = bySmoothing;
        addTapProducts(window, along, x, out, from);
        addTapProducts(window, response, q, out, from);
        let sum = 0;
        for (let i = 0; i < taps; i++) sum += at(out, from + i);
        for (let i = 0; i < taps; i++) out[from + i] = at(out, from + i) - sum / taps;
      }
    },
  };
}

/**
 * Upper bound of the largest eigenvalue of sum_k scale_k C_k' C_k. Each C_k' C_k is at most the Toeplitz operator whose symbol is the square of
 * c_k's Fourier transform; the sum of symbols is a cosine polynomial of degree side - 1 in each dimension, and between N samples it exceeds
 * their maximum by at most 1 / cos(pi (side - 1) / N) a dimension (Ehlich and Zeller, Math. Z. 86, 1964).
 */
export function operatorNorm2(taps: Float64Array, scales: readonly number[], side: number): number {
  const degree = side - 1;
  const span = 2 * degree + 1;
  /** Autocorrelation at lags -degree .. degree in each dimension. */
  const lags = new Float64Array(span * span);
  for (const [k, scale] of scales.entries()) {
    const from = k * side * side;
    for (let a = 0; a < side; a++)
      for (let b = 0; b < side; b++)
        for (let c = 0; c < side; c++)
          for (let d = 0; d < side; d++) {
            const lag = (a - c + degree) * span + (b - d + degree);
            lags[lag] = at(lags, lag) + scale * at(taps, from + a * side + b) * at(taps, from + c * side + d);
          }
  }
  let greatest = 0;
  const [cosines, sines] = [new Float64Array(span), new Float64Array(span)];
  for (let u = 0; u < frequencies; u++) {
    // Rows first: the symbol at (u, v) is the real part of sum over lags of r e^(i (u a + v b)).
    for (let b = 0; b < span; b++) {
      let [real, imaginary] = [0, 0];
      for (let a = 0; a < span; a++) {
        const angle = (2 * Math.PI * ((u * (a - degree)) % frequencies)) / frequencies;
        real += at(lags, a * span + b) * Math.cos(angle);
        imaginary += at(lags, a * span + b) * Math.sin(angle);
      }
      cosines[b] = real;
      sines[b] = imaginary;
    }
    for (let v = 0; v < frequencies; v++) {
      let sum = 0;
      for (let b = 0; b < span; b++) {
        const angle = (2 * Math.PI * ((v * (b - degree)) % frequencies)) / frequencies;
        sum += at(cosines, b) * Math.cos(angle) - at(sines, b) * Math.sin(angle);
      }
      if (sum > greatest) greatest = sum;
    }
  }
  return greatest / Math.cos((Math.PI * degree) / frequencies) ** 2;
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
