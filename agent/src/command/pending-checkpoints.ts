/**
 * Which announced checkpoints wait to be packed: the newest, and the best since the last packing where the newest is not as good. At most these
 * two, however many a program announces. A checkpoint counts for what was measured at its step, else at the nearest step before. Pure.
 */
import { isBetter, type Objective } from "@regulus/proto";

/** Newest measured values that an announcement may be of: a program announces right after it measured, or a few steps later. */
const recentMax = 64;

interface Pending<T> {
  readonly what: T;
  readonly step: number;
  value: number;
}

export interface Taken<T> {
  /** What to pack now; undefined for nothing. */
  readonly next: T | undefined;
  /** Whether it is packed for its value, and the newest waits still. */
  readonly isBest: boolean;
  /** What need not be packed any more. */
  readonly dropped: readonly T[];
}

export class PendingCheckpoints<T extends { readonly step: number }> {
  #newest: Pending<T> | undefined;
  /** The best of those before the newest. */
  #best: Pending<T> | undefined;
  /** The best value of what was packed; NaN for none. */
  #packedValue = Number.NaN;
  #takenValue = Number.NaN;
  #recent: { readonly step: number; readonly value: number }[] = [];

  readonly #direction: Pick<Objective, "direction">;

  constructor(direction: Pick<Objective, "direction">) {
    this.#direction = direction;
  }

  get isEmpty(): boolean {
    return this.#newest === undefined && this.#best === undefined;
  }

  /** The objective was measured. It may belong to what was announced before it. */
  measured(step: number, value: number): void {
    const last = this.#recent.at(-1);
    if (!Number.isFinite(value) || (last !== undefined && step < last.step)) return;
    if (last?.step === step) this.#recent.pop();
    this.#recent.push({ step, value });
    if (this.#recent.length > recentMax) this.#recent.shift();
    for (const one of [this.#newest, this.#best]) if (one !== undefined && step <= one.step) one.value = value;
  }

  /** Whether a checkpoint of this step may be the best one: it is, or its step is not measured yet. */
  mayBeBest(step: number): boolean {
    const value = this.#recent.findLast((one) => one.step === step)?.value;
    if (value === undefined) return true;
    const rivals = [this.#packedValue, this.#best?.value ?? Number.NaN, this.#newest?.value ?? Number.NaN];
    return rivals.every((rival) => this.#isBetter(value, rival));
  }

  /** One more waits, as the newest. Answers what it and the best supersede. */
  add(what: T): readonly T[] {
    const newest = this.#newest;
    const best = this.#best;
    const { step } = what;
    const value = this.#recent.findLast((one) => one.step <= step)?.value ?? Number.NaN;
    this.#newest = { what, step, value };
    // The same step announced again replaces what was announced of it.
    const isRival = newest !== undefined && newest.step < step && this.#isBetter(newest.value, this.#packedValue);
    this.#best = isRival && this.#isBetter(newest.value, best?.value ?? Number.NaN) ? newest : best;
    return [newest, best].flatMap((one) => (one === undefined || one === this.#best ? [] : [one.what]));
  }

  /** What is to be packed first: the best, then the newest. */
  take(): Taken<T> {
    const newest = this.#newest;
    const best = this.#best;
    this.#best = undefined;
    if (best !== undefined && this.#isBetter(best.value, newest?.value ?? Number.NaN)) {
      this.#takenValue = best.value;
      return { next: best.what, isBest: true, dropped: [] };
    }
    this.#newest = undefined;
    this.#takenValue = newest?.value ?? Number.NaN;
    return { next: newest?.what, isBest: false, dropped: best === undefined ? [] : [best.what] };
  }

  /** What was taken last is packed: one that is no better need not be packed for its value. */
  packed(): void {
    if (this.#isBetter(this.#takenValue, this.#packedValue)) this.#packedValue = this.#takenValue;
  }

  #isBetter(a: number, b: number): boolean {
    return isBetter(a, b, this.#direction);
  }
}
