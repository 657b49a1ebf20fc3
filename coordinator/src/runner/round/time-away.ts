/**
 * The time without a coordinator before this process, according to the log: the newest fact of any search was written by one that ran.
 * Facts hold what was found, so that a replay finds the same.
 */

/** A shorter time between two coordinators is a restart, and counts as time in which searches ran. */
const awayMsMin = 5000;

/** What is looked at of a search. */
interface LeftSearch {
  /** Time of its newest fact. */
  readonly toldMs: number;
}

export class TimeAway {
  #lastMs = 0;
  /** When this process first read the log; undefined before. */
  #beganMs: number | undefined;

  /** Every search of the log was read. Only the first reading counts: later ones are of this same process. */
  note(searches: Iterable<{ readonly state: LeftSearch }>, nowMs: number): void {
    if (this.#beganMs !== undefined) return;
    this.#beganMs = nowMs;
    for (const { state } of searches) this.#lastMs = Math.max(this.#lastMs, state.toldMs);
  }

  /** Since when there was no coordinator for a search; undefined where that was no time, or where this process has written of it already. */
  sinceMs({ toldMs }: LeftSearch): number | undefined {
    const beganMs = this.#beganMs ?? 0;
    return beganMs - this.#lastMs < awayMsMin || toldMs >= beganMs ? undefined : this.#lastMs;
  }
}
