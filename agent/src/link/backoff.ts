/**
 * Waits between tries at something that is away: they double from try to try up to a bound, and a random half is taken off, so that
 * agents which lost the same coordinator at the same moment do not come back at the same moment.
 */

export interface BackoffOptions {
  /** Longest first wait, in milliseconds. */
  readonly firstMs: number;
  /** Longest wait, in milliseconds. */
  readonly maxMs: number;
  /** A random number in [0, 1); Math.random where absent. Spread of retries, never part of a search's answer. */
  readonly random?: () => number;
}

/** How long to wait before the next try. */
export class Backoff {
  private tries = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** The next wait, in milliseconds: between half and all of firstMs * 2^tries, at most maxMs. */
  next(): number {
    const ceiling = Math.min(this.options.maxMs, this.options.firstMs * 2 ** Math.min(this.tries, 30));
    this.tries += 1;
    const random = this.options.random ?? Math.random;
    return ceiling * (0.5 + 0.5 * random());
  }

  /** It worked: begin again from the first wait. */
  reset(): void {
    this.tries = 0;
  }
}
