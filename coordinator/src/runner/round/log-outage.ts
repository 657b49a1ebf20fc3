/**
 * The time between a round that the log did not take and the next one. Nobody heard of that round, so it never was: the searches are read
 * from the log again, and after a while, longer with each further failure, rounds run again.
 */
import { doubledMs } from "@regulus/transport";
import type { Clock } from "../../ports.js";

/** Waits before the log is tried again after a failure: the first, doubled with each further one up to the longest. */
const waits = { firstMs: 500, maxMs: 30_000 };

/** What an outage needs of the runner. */
export interface LogOutageOptions {
  readonly clock: Clock;
  /** Reads every search from the log again. */
  readonly load: () => Promise<void>;
  /** Every search is read: the states are those of the log. */
  readonly loaded: () => void;
  /** Takes commands again. */
  readonly resume: () => void;
  /** Told of each failure to read. */
  readonly onLogFailure: (error: unknown) => void;
}

export class LogOutage {
  readonly #options: LogOutageOptions;
  #stale = false;
  /** Failures since the last round that the log took. */
  #failures = 0;
  #closed = false;
  #cancel: (() => void) | undefined;

  constructor(options: LogOutageOptions) {
    this.#options = options;
  }

  /** Whether the states hold what may not be in the log. */
  get isStale(): boolean {
    return this.#stale;
  }

  /** The log did not take a round. */
  begin(): void {
    this.#stale = true;
    this.#failures += 1;
    this.#cancel?.();
    this.#cancel = undefined;
    void this.#reload();
  }

  /** The log took a round. */
  over(): void {
    this.#failures = 0;
  }

  /** There is room again: what waits need not wait longer. */
  hasRoom(): void {
    if (this.#stale || this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#options.resume();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #reload(): Promise<void> {
    if (this.#closed) return;
    const { clock, load, loaded, resume, onLogFailure } = this.#options;
    try {
      await load();
      this.#stale = false;
    } catch (thrown) {
      onLogFailure(thrown);
    }
    if (this.#closed) return;
    if (!this.#stale) loaded();
    const waitMs = doubledMs(this.#failures, waits);
    this.#cancel = clock.wakeAfter(waitMs, () => {
      this.#cancel = undefined;
      if (this.#stale) this.begin();
      else resume();
    });
  }
}
