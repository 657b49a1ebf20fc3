/**
 * Turns of those who read the log: one piece in each turn of the event loop, whoever reads. However many readers there are, other calls
 * wait for the decoding of one piece at most. Callers take turns, and the readers of one caller among themselves, so that a caller with a
 * thousand readers does not get a thousand turns for each of another's.
 */
export class ReadingTurns {
  /** Those who wait, by caller; the caller whose turn is next comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #scheduled = false;

  /** Resolves when it is the caller's turn to load one piece. */
  next(caller: string): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(caller);
      if (own === undefined) this.#waiting.set(caller, [resolve]);
      else own.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [caller, own] = next;
      this.#waiting.delete(caller);
      own.shift()?.();
      if (own.length > 0) this.#waiting.set(caller, own);
      this.#schedule();
    });
  }
}
