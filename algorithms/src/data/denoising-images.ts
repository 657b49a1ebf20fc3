/**
 * Pairs of a true and a noisy image for denoising: crops of photographs, or synthetic piecewise-constant images. Image i depends on the seed and i
 * alone, so that every shard draws its own, and images from another `offset` are held out.
 */
import type { Rng } from "../core/index.js";
import type { GreyImage } from "../solvers/problems/total-variation.js";
import type { DenoisingOptions } from "./denoising-options.js";
import { photograph, photographNames } from "./photographs.js";

export interface DenoisingPair {
  readonly truth: GreyImage;
  readonly noisy: GreyImage;
}

/** Rectangles of a synthetic image. */
const rectangles = 5;

/** Image i. */
export function denoisingPair({ images, offset, size, noise }: DenoisingOptions, rng: Rng, i: number): DenoisingPair {
  const own = rng.fork("image", offset + i);
  const truth = images === "photographs" ? crop(offset + i, size, own.fork("crop")) : patchwork(size, own.fork("patchwork"));
  const pixels = new Float64Array(size * size);
  own.fork("noise").fillNormal(pixels);
  for (let at = 0; at < pixels.length; at++) pixels[at] = (truth.pixels[at] ?? 0) + noise * (pixels[at] ?? 0);
  return { truth, noisy: { width: size, height: size, pixels } };
}

function crop(number: number, size: number, rng: Rng): GreyImage {
  const { width, height, pixels } = photograph(photographNames[number % photographNames.length] ?? photographNames[0]);
  const [left, top] = [rng.integer(width - size + 1), rng.integer(height - size + 1)];
  const out = new Float64Array(size * size);
  for (let y = 0; y < size; y++) out.set(pixels.subarray((top + y) * width + left, (top + y) * width + left + size), y * size);
  return { width: size, height: size, pixels: out };
}

/** Rectangles of random grey, one on top of the other. */
function patchwork(size: number, rng: Rng): GreyImage {
  const pixels = new Float64Array(size * size).fill(rng.uniform());
  for (let k = 0; k < rectangles; k++) {
    const [x0, x1] = [rng.integer(size), rng.integer(size)].sort((a, b) => a - b);
    const [y0, y1] = [rng.integer(size), rng.integer(size)].sort((a, b) => a - b);
    const grey = rng.uniform();
    for (let y = y0 ?? 0; y <= (y1 ?? 0); y++) pixels.fill(grey, y * size + (x0 ?? 0), y * size + (x1 ?? 0) + 1);
  }
  return { width: size, height: size, pixels };
}
