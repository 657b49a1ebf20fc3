/** Denoising as samples of a bilevel problem: each pair with a lower problem of its noisy image, the upper loss, PSNR and pictures to look at. */
import { createRng, type Rng } from "../core/index.js";
import type { LowerProblem } from "../solvers/lower-problem.js";
import { logErrorTo, peakSignalToNoise, squaredErrorTo } from "../solvers/problems/squared-error.js";
import type { GreyImage } from "../solvers/problems/total-variation.js";
import type { RespondSample, RespondTask } from "../solvers/respond.js";
import { type DenoisingPair, denoisingPair } from "./denoising-images.js";
import type { DenoisingOptions } from "./denoising-options.js";
import { greyPng, sideBySide } from "./grey-png.js";

/** Rows of pictures in one file. */
const pictureRowsMax = 24;
/** In the upper loss `psnr`, an image with this share of the noise's energy left counts as clean. */
const cleanShare = 0.001;

/** What a task adds to its images. */
export interface DenoisingMethod {
  readonly seed: number;
  /** Where hyperparameters begin [p]. */
  readonly theta: Float64Array;
  /** The lower problem of a noisy image. */
  readonly lowerOf: (noisy: GreyImage) => LowerProblem;
}

/** A task whose lower problems are made by `lowerOf`. */
export function denoisingTask(options: DenoisingOptions, { seed, theta, lowerOf }: DenoisingMethod): RespondTask {
  const rng: Rng = createRng(seed).fork("denoising");
  const pairOf = (index: number): DenoisingPair => denoisingPair(options, rng, index);
  return {
    samples: options.count,
    theta,
    sample: (index) => denoisingSample(options, pairOf(index), lowerOf),
    results(solutions) {
      const rows = [...solutions].slice(0, pictureRowsMax).map(([index, x]) => {
        const { noisy, truth } = pairOf(index);
        return { index, noisy, denoised: { ...noisy, pixels: x }, truth };
      });
      if (rows.length === 0) return [];
      const words = rows.map(({ index, noisy, denoised, truth }) => {
        const [before, after] = [noisy, denoised].map(({ pixels }) => peakSignalToNoise(pixels, truth.pixels).toFixed(2));
        return `image ${index}: noisy ${before} dB, denoised ${after} dB`;
      });
      const images = sideBySide(rows.map(({ noisy, denoised, truth }) => [noisy, denoised, truth]));
      return [{ kind: "image", bytes: greyPng(images, words.join("\n")) }];
    },
  };
}

function denoisingSample(
  { upper, noise, size }: DenoisingOptions,
  { noisy, truth }: DenoisingPair,
  lowerOf: DenoisingMethod["lowerOf"],
): RespondSample {
  // Without noise there is no energy to take a share of; a thousandth of a grey level stands in.
  const floor = cleanShare * size * size * Math.max(noise, 1e-3) ** 2;
  return {
    lower: lowerOf(noisy),
    upper: upper === "psnr" ? logErrorTo(truth.pixels, floor) : squaredErrorTo(truth.pixels),
    start: () => Float64Array.from(noisy.pixels),
    metrics: (x) => ({ psnr: peakSignalToNoise(x, truth.pixels) }),
  };
}
