/**
 * The wall time in which a search ran, folded from the times of its facts: pauses, the time after an end and time without a coordinator do not
 * count.
 */

export class RunningTime {
  /** Of the stretches that are over, in milliseconds. */
  ranMs = 0;
  /** When the stretch that goes on began, in milliseconds since 1970; undefined while there is none. */
  sinceMs: number | undefined;

  constructor(createdMs: number) {
    this.sinceMs = createdMs;
  }

  run(timeMs: number): void {
    this.sinceMs ??= timeMs;
  }

  halt(timeMs: number): void {
    this.ranMs = this.at(timeMs);
    this.sinceMs = undefined;
  }

  /** There was no coordinator between two times; the later one is now. Changes nothing where the search did not run anyway. */
  away(fromMs: number, nowMs: number): void {
    if (this.sinceMs === undefined) return;
    this.halt(Math.min(fromMs, nowMs));
    this.run(nowMs);
  }

  /** All of it at a time. Clocks of machines that take over from each other may differ. */
  at(nowMs: number): number {
    return this.ranMs + (this.sinceMs === undefined ? 0 : Math.max(0, nowMs - this.sinceMs));
  }

  /** When it comes to this much, where it goes on without a pause; undefined while it does not run. */
  reaches(wantedMs: number): number | undefined {
    return this.sinceMs === undefined ? undefined : this.sinceMs + Math.max(0, wantedMs - this.ranMs);
  }
}
