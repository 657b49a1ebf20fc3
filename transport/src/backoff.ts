/**
 * Waits between tries at something that is away: they double from failure to failure up to a bound. A random half is taken off, so that
 * those who lost the same coordinator at the same moment do not come back at the same moment.
 */

/** How waits grow, in milliseconds. */
export interface Waits {
  /** Wait after the first failure. */
  readonly firstMs: number;
  /** Longest wait. */
  readonly maxMs: number;
}

/** Milliseconds to wait after the n-th failure in a row, n from 1. For the one of its kind, which has nobody to spread from. */
export function doubledMs(failures: number, { firstMs, maxMs }: Waits): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
}

/** The same, spread: between half and all of it. @param random in [0, 1); spread of retries is never part of a search's answer. */
export function spreadMs(failures: number, waits: Waits, random: () => number = Math.random): number {
  return doubledMs(failures, waits) * (0.5 + 0.5 * random());
}

/** Counts failures in a row. */
export class Backoff {
  readonly #waits: Waits;
  readonly #random: (() => number) | undefined;
  #failures = 0;

  constructor({ random, ...waits }: Waits & { readonly random?: () => number }) {
    this.#waits = waits;
    this.#random = random;
  }

  /** The wait after one more failure, in milliseconds. */
  next(): number {
    this.#failures += 1;
    return spreadMs(this.#failures, this.#waits, this.#random);
  }

  /** It worked: begin again from the first wait. */
  reset(): void {
    this.#failures = 0;
  }
}
