/**
 * Inverted dropout: at a site each number of an example is dropped with that example's rate, and what stays is divided by 1 - rate, so that
 * the mean is unchanged and nothing is done when measuring.
 * Source: Srivastava et al., "Dropout", JMLR 15 (2014), section 10 (scaling at training time).
 */
import * as tf from "@tensorflow/tfjs";
import type { Rng } from "../../core/index.js";
import type { TechniqueModule } from "../../training/technique.js";
import { type DropoutOptions, spec } from "./spec.js";

export const module: TechniqueModule<DropoutOptions> = {
  spec,
  create: () => ({
    site(x, { name, kind }, context) {
      const rates = context.values(kind === "input" ? "inputDropout" : "hiddenDropout");
      if (rates.every((rate) => rate === 0)) return x;
      return tf.mul(x, tf.tensor(mask(x.size, context.batchSize, rates, context.rng.fork(name)), x.shape));
    },
  }),
};

/** For each number 0 or 1/(1 - rate), row by row. @param rates one a row, or one for all. */
function mask(size: number, rows: number, rates: Float32Array, rng: Rng): Float32Array {
  const values = new Float32Array(size);
  rng.fillUniform(values);
  const columns = size / rows;
  for (let row = 0; row < rows; row++) {
    const rate = rates[rates.length === 1 ? 0 : row] ?? 0;
    const kept = 1 / (1 - rate);
    const end = (row + 1) * columns;
    // A floor instead of a choice: which way a branch goes is random here, and a processor guesses many of them wrong.
    for (let i = row * columns; i < end; i++) values[i] = Math.floor((values[i] ?? 0) + (1 - rate)) * kept;
  }
  return values;
}
