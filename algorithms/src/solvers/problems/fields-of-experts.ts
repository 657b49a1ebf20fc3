/**
 * Denoising by a convex field of experts: learned filters c_k with weights and smoothings of their own,
 *   h(x, theta) = 1/2 |x - y|^2 + e^b sum_k e^(a_k) sum sqrt((c_k * x)^2 + e^(2 l_k)),
 * over all pixels, x being mirrored at its edges; filters act less the mean of their taps, since a filter that sees brightness spoils every image and that
 * one stiff direction would hold all steps back. theta = [b, a_1 .. a_K, l_1 .. l_K, taps of c_1, .., taps of c_K]. mu is 1 whatever theta is. Total variation is
 * the case of two difference filters. Source: section 4.4 of MAID (arXiv 2308.10098); Roth and Black, IJCV 82 (2009); mirrored edges as in Chen, Ranftl
 * and Pock, IEEE Trans. Image Process. 23 (2014).
 */
import { createRng } from "../../core/index.js";
import { type LowerProblem, norm } from "../lower-problem.js";
import { type ExpertFilters, expertsKernels } from "./experts-kernels.js";
import type { FilterSide } from "./filter-sides.js";
import type { GreyImage } from "./total-variation.js";

/** Sizes of a field of experts. */
export interface ExpertSizes {
  /** K. */
  readonly filters: number;
  readonly side: FilterSide;
}

/** Frequencies a dimension at which the operator's norm is sampled; the bound between them is rigorous. */
const frequencies = 64;

/** The curvature at the edges is looked for on a square image this many times as wide as a filter, and one pixel: what is there has room on it. */
const edgeSpan = 3;
/** Steps of its power iteration, which comes within some hundredths below. */
const edgeSteps = 40;
/** What the iteration may have left out. Steps of length 1 / L stay stable up to a curvature of 4/3 L anyway. */
const edgeSlack = 1.1;

/** Length of theta. */
export function expertsThetaDim({ filters, side }: ExpertSizes): number {
  return 1 + filters * (2 + side * side);
}

/** The lower level for one noisy image. @param smoothness shared by the images of one question, as it depends on hyperparameters alone. */
export function fieldsOfExperts(
  { width, height, pixels: noisy }: GreyImage,
  sizes: ExpertSizes,
  smoothness = expertsSmoothness(sizes),
): LowerProblem {
  const { filters, side } = sizes;
  const kernels = expertsKernels({ width, height, side, filters });
  const tapsFrom = 1 + 2 * filters;
  const filtersOf = filtersAt(sizes);
  const hessianAt = (x: Float64Array, theta: Float64Array) => kernels.hessianAt(filtersOf(theta), x);

  return {
    dim: width * height,
    thetaDim: expertsThetaDim(sizes),
    mu: () => 1,
    smoothness,
    value(x, theta) {
      let fidelity = 0;
      for (let i = 0; i < x.length; i++) fidelity += 0.5 * (at(x, i) - at(noisy, i)) ** 2;
      return fidelity + kernels.energy(filtersOf(theta), x);
    },
    gradient: (x, theta, out) => kernels.gradient(filtersOf(theta), x, noisy, out),
    hessianVector: (x, theta, v, out) => hessianAt(x, theta)(v, out),
    hessianAt,
    crossTransposed(x, theta, q, out) {
      const { byWeights, bySmoothings, byTaps } = kernels.cross(filtersOf(theta), x, q);
      out[0] = byWeights.reduce((sum, one) => sum + one, 0);
      out.set(byWeights, 1);
      out.set(bySmoothings, 1 + filters);
      out.set(byTaps, tapsFrom);
      centreFrom(out, tapsFrom, side * side);
    },
  };
}

/** Smoothness by hyperparameters, which remembers the last: looking for it costs as much as some five gradients. */
export function expertsSmoothness(sizes: ExpertSizes): (theta: Float64Array) => number {
  const filtersOf = filtersAt(sizes);
  let known: { readonly theta: Float64Array; readonly smoothness: number } | undefined;
  return (theta) => {
    if (known?.theta.every((one, j) => one === theta[j])) return known.smoothness;
    const of = filtersOf(theta);
    const steepest = Array.from(of.weights, (weight, k) => weight / Math.sqrt(at(of.smoothings, k)));
    const smoothness = 1 + Math.max(operatorNorm2(of.taps, steepest, sizes.side), edgeSlack * edgeNorm2(of, sizes));
    known = { theta: theta.slice(), smoothness };
    return smoothness;
  };
}

/** What the filters are at theta: taps less their means, weights, squared smoothings. The same arrays at every call. */
function filtersAt({ filters, side }: ExpertSizes): (theta: Float64Array) => ExpertFilters {
  const taps = new Float64Array(filters * side * side);
  const [weights, smoothings] = [new Float64Array(filters), new Float64Array(filters)];
  return (theta) => {
    taps.set(theta.subarray(1 + 2 * filters));
    centreFrom(taps, 0, side * side);
    for (let k = 0; k < filters; k++) {
      weights[k] = Math.exp(at(theta, 0) + at(theta, 1 + k));
      smoothings[k] = Math.exp(2 * at(theta, 1 + filters + k));
    }
    return { taps, weights, smoothings };
  };
}

/** Takes its mean from every `length` elements. */
function centreFrom(values: Float64Array, from: number, length: number): void {
  for (let start = from; start < values.length; start += length) {
    let sum = 0;
    for (let i = start; i < start + length; i++) sum += at(values, i);
    for (let i = start; i < start + length; i++) values[i] = at(values, i) - sum / length;
  }
}

/**
 * Upper bound of the largest eigenvalue of sum_k scale_k C_k' C_k on images without edges. Each C_k' C_k is at most the Toeplitz operator whose symbol is the square of
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
  const wave = wavesOf(frequencies);
  const [cosines, sines] = [new Float64Array(span), new Float64Array(span)];
  for (let u = 0; u < frequencies; u++) {
    // Rows first: the symbol at (u, v) is the real part of sum over lags of r e^(i (u a + v b)).
    for (let b = 0; b < span; b++) {
      let [real, imaginary] = [0, 0];
      for (let a = 0; a < span; a++) {
        const turn = (u * (a + frequencies - degree)) % frequencies;
        real += at(lags, a * span + b) * at(wave.cosines, turn);
        imaginary += at(lags, a * span + b) * at(wave.sines, turn);
      }
      cosines[b] = real;
      sines[b] = imaginary;
    }
    for (let v = 0; v < frequencies; v++) {
      let sum = 0;
      for (let b = 0; b < span; b++) {
        const turn = (v * (b + frequencies - degree)) % frequencies;
        sum += at(cosines, b) * at(wave.cosines, turn) - at(sines, b) * at(wave.sines, turn);
      }
      if (sum > greatest) greatest = sum;
    }
  }
  return greatest / Math.cos((Math.PI * degree) / frequencies) ** 2;
}

/**
 * Largest eigenvalue of the energy's Hessian at a flat image, where it is steepest, on a small one, from below: at its edges, where mirrored pixels
 * count twice and more, it can be above that of any place inside (by a fifth for filters drawn at random, threefold for the worst that we found).
 */
function edgeNorm2(of: ExpertFilters, { filters, side }: ExpertSizes): number {
  const width = edgeSpan * side + 1;
  const pixels = width * width;
  const apply = expertsKernels({ width, height: width, side, filters }).hessianAt(of, new Float64Array(pixels));
  let v = new Float64Array(pixels);
  let product = new Float64Array(pixels);
  createRng(0).fillNormal(v);
  let length = 0;
  for (let step = 0; step < edgeSteps; step++) {
    apply(v, product);
    for (let i = 0; i < pixels; i++) product[i] = at(product, i) - at(v, i);
    length = norm(product);
    if (!(length > 0)) return 0;
    for (let i = 0; i < pixels; i++) product[i] = at(product, i) / length;
    [v, product] = [product, v];
  }
  return length;
}

/** Cosines and sines of so many parts of a circle. */
function wavesOf(parts: number): { readonly cosines: Float64Array; readonly sines: Float64Array } {
  const angles = Float64Array.from({ length: parts }, (_, i) => (2 * Math.PI * i) / parts);
  return { cosines: angles.map(Math.cos), sines: angles.map(Math.sin) };
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
