/** Minibatches that are keyed by the round: which rows of a range take part is a function of a key alone. */
import type { Rng } from "../../core/index.js";

/** `count` different rows of [lo, hi) in any order, all of them in order where there are no more. */
export function batchRows(rng: Rng, { lo, hi }: { readonly lo: number; readonly hi: number }, count: number): Int32Array {
  if (count >= hi - lo) return Int32Array.from({ length: hi - lo }, (_, row) => lo + row);
  return rng
    .permutation(hi - lo)
    .subarray(0, count)
    .map((row) => lo + row);
}
