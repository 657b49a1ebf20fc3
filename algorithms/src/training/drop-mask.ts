/**
 * Masks of inverted dropout, built on the host: each number 0 with its row's rate, else 1/(1 - rate), so that means are unchanged.
 * Source: Srivastava et al., "Dropout", JMLR 15 (2014), section 10 (scaling at training time).
 */
import type { Rng } from "../core/index.js";

/** Numbers [rows, columns], row by row. @param rates one a row, or one for all, each from 0 to below 1. */
export function dropMask(
  shape: { readonly rows: number; readonly columns: number },
  rates: Float32Array,
  rng: Rng,
): Float32Array {
  const { rows, columns } = shape;
  const values = new Float32Array(rows * columns);
  rng.fillUniform(values);
  for (let row = 0; row < rows; row++) {
    const rate = rates[rates.length === 1 ? 0 : row] ?? 0;
    const kept = 1 / (1 - rate);
    const end = (row + 1) * columns;
    // A floor instead of a choice: which way a branch goes is random here, and a processor guesses many of them wrong.
    for (let i = row * columns; i < end; i++) values[i] = Math.floor((values[i] ?? 0) + (1 - rate)) * kept;
  }
  return values;
}
