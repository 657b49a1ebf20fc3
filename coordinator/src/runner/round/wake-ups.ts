/** When searches and leases have to be looked at without anybody asking: spent wall time, retries that are due, silent agents. */
import type { Clock } from "../../ports.js";
import type { SearchEntry } from "../searches/search-entry.js";

/** What wake-ups need of the runner. */
export interface WakeUpsOptions {
  readonly clock: Clock;
  readonly leaseTimeoutMs: number;
  /** Has a round look at a search. */
  readonly touch: (entry: SearchEntry) => void;
  /** Has a round look for silent agents. `slept`: this process was away, so that it could not have heard of them. */
  readonly sweep: (slept: boolean) => void;
}

export class WakeUps {
  readonly #options: WakeUpsOptions;
  #cancelSweep: (() => void) | undefined;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
  }

  /** Wakes at the end of a search's budget of wall time, where it runs on without a pause. In place of an earlier such wake-up. */
  wallTime(entry: SearchEntry): void {
    const { clock, touch } = this.#options;
    const { budget, time } = entry.state;
    entry.cancelWallTime?.();
    const atMs = budget.wallTimeMs > 0 ? time.reaches(budget.wallTimeMs) : undefined;
    entry.cancelWallTime = atMs === undefined ? undefined : clock.wake(atMs, () => touch(entry));
  }

  /** Wakes when a failed trial may be tried again. */
  retry(entry: SearchEntry, atMs: number, nowMs: number): void {
    const { clock, touch } = this.#options;
    if (atMs > nowMs) clock.wake(atMs, () => touch(entry));
  }

  /** Begins to look for silent agents now and then: four times in a lease's timeout. */
  startSweeps(): void {
    const { clock, leaseTimeoutMs, sweep } = this.#options;
    const due = clock.now() + leaseTimeoutMs / 4;
    // As time passes: a clock that was set back must not make a lease eternal.
    this.#cancelSweep = clock.wakeAfter(leaseTimeoutMs / 4, () => {
      this.startSweeps();
      sweep(clock.now() - due > leaseTimeoutMs / 2);
    });
  }

  close(): void {
    this.#cancelSweep?.();
  }
}
