/** The wall time in which a search ran, folded from the times of its facts: pauses and the time after an end do not count. */

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

  /** All of it at a time. Clocks of machines that take over from each other may differ. */
  at(nowMs: number): number {
    return this.ranMs + (this.sinceMs === undefined ? 0 : Math.max(0, nowMs - this.sinceMs));
  }

  /** When it comes to this much, where it goes on without a pause; undefined while it does not run. */
  reaches(wantedMs: number): number | undefined {
    return this.sinceMs === undefined ? undefined : this.sinceMs + Math.max(0, wantedMs - this.ranMs);
  }
}
