/** Half the squared distance to a truth, as an upper function of a denoised image, and the peak signal-to-noise ratio that people read. */
import type { UpperFunction } from "../lower-problem.js";

/** 1/2 |x - truth|^2: smoothness 1, convex. */
export function squaredErrorTo(truth: Float64Array): UpperFunction {
  return {
    smoothness: 1,
    convex: true,
    value: (x) => 0.5 * squaredDistance(x, truth),
    gradient(x, out) {
      for (let i = 0; i < truth.length; i++) out[i] = (x[i] as number) - (truth[i] as number);
    },
  };
}

/**
 * 1/2 log(1 + |x - truth|^2 / floor): nearly the negative PSNR where the error is well above the floor, so that its mean over images counts decibels
 * and not squares. Smoothness 1 / floor; not convex.
 * @param floor squared distance below which an image counts as clean; positive.
 */
export function logErrorTo(truth: Float64Array, floor: number): UpperFunction {
  return {
    smoothness: 1 / floor,
    convex: false,
    value: (x) => 0.5 * Math.log1p(squaredDistance(x, truth) / floor),
    gradient(x, out) {
      const scale = 1 / (floor + squaredDistance(x, truth));
      for (let i = 0; i < truth.length; i++) out[i] = scale * ((x[i] as number) - (truth[i] as number));
    },
  };
}

/** In decibels, for pixels from 0 to 1. Infinite for equal images. */
export function peakSignalToNoise(x: Float64Array, truth: Float64Array): number {
  return 10 * Math.log10(truth.length / squaredDistance(x, truth));
}

function squaredDistance(x: Float64Array, truth: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < truth.length; i++) sum += ((x[i] as number) - (truth[i] as number)) ** 2;
  return sum;
}
