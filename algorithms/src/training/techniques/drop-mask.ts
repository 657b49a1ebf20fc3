/**
 * Masks of inverted dropout: each number 0 with its row's rate, else 1/(1 - rate), so that means are unchanged.
 * Source: Srivastava et al., "Dropout", JMLR 15 (2014), section 10 (scaling at training time).
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { Rng } from "../../core/index.js";
import { filled } from "../../kernels/index.js";

/** A mask of a shape. @param rates each from 0 to below 1: one for all, or one for each of the shape's first axis. */
export function dropMask(shape: readonly number[], rates: Float32Array, rng: Rng): Tensor {
  return filled(shape, (values) => fillMask(values, rates, rng));
}

function fillMask(values: Float32Array, rates: Float32Array, rng: Rng): void {
  const columns = values.length / rates.length;
  rng.fillUniform(values);
  for (const [row, rate] of rates.entries()) {
    const kept = 1 / (1 - rate);
    const end = (row + 1) * columns;
    // A floor instead of a choice: which way a branch goes is random here, and a processor guesses many of them wrong.
    for (let i = row * columns; i < end; i++) values[i] = Math.floor((values[i] ?? 0) + (1 - rate)) * kept;
  }
}
