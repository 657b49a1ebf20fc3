/**
 * The time of the rounds. Sweeps keep rounds coming four times in a lease's timeout: where the clock says otherwise it was set, or the machine slept,
 * and that is no time in which searches ran.
 */

/** A clock that goes back by less is being corrected, not set. */
const setBackMs = 1000;

export class RoundTime {
  readonly #clockMs: () => number;
  readonly #leaseTimeoutMs: number;
  #nowMs = 0;

  constructor({ clockMs, leaseTimeoutMs }: { readonly clockMs: () => number; readonly leaseTimeoutMs: number }) {
    this.#clockMs = clockMs;
    this.#leaseTimeoutMs = leaseTimeoutMs;
  }

  /** Time of the round; 0 before the first. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Takes the time of now, whatever was before. */
  take(): void {
    this.#nowMs = this.#clockMs();
  }

  /** Takes the time of a round. Gives that of the one before where the time between them is none in which searches ran. */
  look(): number | undefined {
    const before = this.#nowMs;
    this.take();
    const moved = this.#nowMs - before;
    return before === 0 || (moved >= -setBackMs && moved <= this.#leaseTimeoutMs) ? undefined : before;
  }
}
