/**
 * A search's recent use, folded from its facts: slot-seconds that count for half after every `halfLifeMs`. Fair share goes by it. Between
 * two facts the slots in use stand still, so the sum is exact whenever it is read, and the same after a restart.
 */

/** Time after which a slot-second counts for half, in milliseconds: what was used an hour ago is forgiven, what was used just now is not. */
export const halfLifeMs = 1_200_000;
const meanLifeMs = halfLifeMs / Math.LN2;
/** Attempts that the mean time of an attempt looks back on. */
const attemptsMax = 16;

export class Usage {
  /** Mean seconds of the newest attempts; 0 while none is over. */
  attemptSeconds = 0;
  /** When it last got a slot, in milliseconds since 1970; 0 for never. */
  startedMs = 0;
  #slots = 0;
  #slotSeconds = 0;
  #atMs = 0;
  #attempts = 0;

  /** The slots in use from now on. */
  tell(slots: number, nowMs: number): void {
    if (slots === this.#slots) return;
    if (slots > this.#slots) this.startedMs = nowMs;
    this.#slotSeconds = this.at(nowMs);
    // Clocks of machines that take over from each other may differ.
    this.#atMs = Math.max(this.#atMs, nowMs);
    this.#slots = slots;
  }

  /** An attempt is over. */
  tellAttempt(seconds: number): void {
    this.#attempts = Math.min(attemptsMax, this.#attempts + 1);
    this.attemptSeconds += (Math.max(0, seconds) - this.attemptSeconds) / this.#attempts;
  }

  /** Slot-seconds of late. */
  at(nowMs: number): number {
    if (nowMs <= this.#atMs) return this.#slotSeconds;
    const kept = Math.exp(-(nowMs - this.#atMs) / meanLifeMs);
    return this.#slotSeconds * kept + this.#slots * (meanLifeMs / 1000) * (1 - kept);
  }
}
