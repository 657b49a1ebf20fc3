/**
 * Denoising of images by a convex field of experts: one sample an image; hyperparameters are the filters themselves, their weights and smoothings.
 */
import { createRng, type Rng } from "../../core/index.js";
import { denoisingTask } from "../../data/denoising-samples.js";
import { expertsSmoothness, expertsThetaDim, fieldsOfExperts } from "../../solvers/problems/fields-of-experts.js";
import type { RespondModule } from "../../training/contracts/workload.js";
import { type FoeDenoisingOptions, spec } from "./spec.js";

export const module: RespondModule<FoeDenoisingOptions> = {
  spec,
  respond({ options, seed }) {
    const theta = startOfExperts(options, createRng(seed).fork("filters"));
    const smoothness = expertsSmoothness(options);
    return denoisingTask(options, { seed, theta, lowerOf: (noisy) => fieldsOfExperts(noisy, options, smoothness) });
  },
};

/**
 * Hyperparameters to start from: filters of unit norm and mean 0, the cosine basis by rising frequency and then random ones; or two differences
 * and then those.
 */
export function startOfExperts(
  { filters, side, start, logWeight, logSmoothing, faint }: FoeDenoisingOptions,
  rng: Rng,
): Float64Array {
  const theta = new Float64Array(expertsThetaDim({ filters, side }));
  theta.fill(logWeight, 1, 1 + filters).fill(logSmoothing, 1 + filters, 1 + 2 * filters);
  const frequencies = Array.from({ length: side * side - 1 }, (_, i) => [Math.floor((i + 1) / side), (i + 1) % side] as const);
  frequencies.sort(([a, b], [c, d]) => a + b - (c + d));
  const before = start === "differences" ? 2 : 0;
  const middle = Math.floor((side * side) / 2);
  for (let k = 0; k < filters; k++) {
    const from = 1 + 2 * filters + k * side * side;
    const taps = theta.subarray(from, from + side * side);
    if (k < before) {
      taps[middle] = -1;
      taps[middle + (k === 0 ? 1 : side)] = 1;
      continue;
    }
    if (before > 0) theta[1 + k] = logWeight - faint;
    const frequency = frequencies[k - before];
    if (frequency === undefined) rng.fork(k).fillNormal(taps);
    else
      for (let i = 0; i < taps.length; i++)
        taps[i] = wave(frequency[0], Math.floor(i / side), side) * wave(frequency[1], i % side, side);
    centre(taps);
  }
  return theta;
}

function wave(frequency: number, place: number, side: number): number {
  return Math.cos((Math.PI * frequency * (place + 0.5)) / side);
}

function centre(taps: Float64Array): void {
  const mean = taps.reduce((sum, one) => sum + one, 0) / taps.length;
  for (let i = 0; i < taps.length; i++) taps[i] = (taps[i] ?? 0) - mean;
  const size = Math.sqrt(taps.reduce((sum, one) => sum + one * one, 0));
  for (let i = 0; i < taps.length; i++) taps[i] = (taps[i] ?? 0) / size;
}
