/**
 * The values that a trial measured since its newest checkpoint, to judge the next one by: it is stored some time after it was taken, when the
 * trial has measured on. Grows in place. The newest half of what it may hold is exact; of what is older, every second value goes.
 */

/** Values that are held. A checkpoint that is told of up to half as many measurements late counts for exactly what was measured. */
export const recentMax = 1024;

export class RecentValues {
  /** In order, each with its value at the same index. */
  readonly steps: number[] = [];
  readonly values: number[] = [];

  /** The value of a step; what was measured of that step and later ones counts no more. */
  add(step: number, value: number): void {
    this.upTo(step - 1);
    this.steps.push(step);
    this.values.push(value);
    if (this.steps.length > recentMax) this.#thin();
  }

  /** The value at a step, else at the nearest one before it; NaN for none. */
  at(step: number): number {
    return this.values[this.#countUpTo(step) - 1] ?? Number.NaN;
  }

  /** Forgets what was measured after a step. */
  upTo(step: number): void {
    const count = this.#countUpTo(step);
    if (count === this.steps.length) return;
    this.steps.length = count;
    this.values.length = count;
  }

  /** Forgets what was measured before a step, but for the value that holds there. */
  since(step: number): void {
    const before = Math.max(0, this.#countUpTo(step) - 1);
    this.steps.splice(0, before);
    this.values.splice(0, before);
  }

  /** How many values are of a step or an earlier one. Looks from the end, where the step mostly is. */
  #countUpTo(step: number): number {
    return this.steps.findLastIndex((known) => known <= step) + 1;
  }

  #thin(): void {
    const older = this.steps.length - recentMax / 2;
    const keeps = (index: number): boolean => index >= older || index % 2 === 0;
    for (const list of [this.steps, this.values]) {
      const kept = list.filter((_, index) => keeps(index));
      list.splice(0, list.length, ...kept);
    }
  }
}
