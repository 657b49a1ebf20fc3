/** A token bucket: so many at once, then so many a second. */

export class RateLimit {
  #tokens: number;
  #filledMs: number;

  readonly #rate: { readonly burst: number; readonly perSecond: number };
  readonly #now: () => number;

  constructor(rate: { readonly burst: number; readonly perSecond: number }, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
    this.#tokens = rate.burst;
    this.#filledMs = now();
  }

  /** Whether one more is allowed now. */
  take(): boolean {
    const nowMs = this.#now();
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * this.#rate.perSecond);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
