/** When rounds run: soon after there is something to do, one at a time, never by a timer. */

/** What is run, and when it may be. */
export interface RoundsOptions {
  /** Runs a call soon; setImmediate outside of simulations. */
  readonly defer: (call: () => void) => void;
  readonly run: () => Promise<void>;
  /** Whether nothing may run now. */
  readonly isHeld: () => boolean;
  /** Whether there is something to do after a round. */
  readonly hasMore: () => boolean;
}

export class Rounds {
  readonly #options: RoundsOptions;
  #scheduled = false;
  #running: Promise<void> | undefined;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Has a round run soon. */
  schedule(): void {
    const { defer, run, isHeld, hasMore } = this.#options;
    if (this.#scheduled || isHeld()) return;
    this.#scheduled = true;
    defer(() => {
      this.#scheduled = false;
      if (this.#running !== undefined || isHeld()) return;
      this.#running = run().finally(() => {
        this.#running = undefined;
        if (hasMore()) this.schedule();
      });
    });
  }

  /** Waits for the round that runs. */
  async settled(): Promise<void> {
    await this.#running;
  }
}
