/**
 * Which rows of a split a step sees: shuffled epochs, each epoch's order keyed by its number, so that the rows of any step can be told
 * without the steps before it. A last batch that is not full is left out; its rows come in another epoch.
 */
import { assert } from "@regulus/proto";
import type { Rng } from "../../core/index.js";

export class DataOrder {
  /** Rows of a batch; the whole split where the wish was larger. */
  readonly batchSize: number;
  readonly #rows: number;
  readonly #rng: Rng;
  #epoch = -1;
  #order = new Int32Array(0);

  constructor(options: { rows: number; batchSize: number }, rng: Rng) {
    assert(
      options.rows > 0 && options.batchSize > 0,
      `a split of ${options.rows} rows and batches of ${options.batchSize} are above 0`,
    );
    this.#rows = options.rows;
    this.batchSize = Math.min(options.batchSize, options.rows);
    this.#rng = rng;
  }

  /** The pass over the split that a step is in; both from 0. */
  epoch(step: number): number {
    return Math.floor(step / this.#stepsPerEpoch);
  }

  /** Rows of a step, from 0. */
  rows(step: number): Int32Array {
    const epoch = this.epoch(step);
    if (epoch !== this.#epoch) {
      this.#order = this.#rng.fork("epoch", epoch).permutation(this.#rows);
      this.#epoch = epoch;
    }
    const from = (step % this.#stepsPerEpoch) * this.batchSize;
    return this.#order.subarray(from, from + this.batchSize);
  }

  get #stepsPerEpoch(): number {
    return Math.floor(this.#rows / this.batchSize);
  }
}
