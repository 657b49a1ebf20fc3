/** What each arm of a search came to: trials, steps and the best of each, folded as the search is. Ranks by the first objective. */
import type { Arm, Objective } from "@regulus/proto";
import { isBetter } from "./trial-state.js";

interface Totals {
  trials: number;
  steps: number;
  best: number | undefined;
  value: number;
}

export class Arms {
  readonly #objective: Objective;
  readonly #arms = new Map<string, Totals>();

  constructor(objective: Objective) {
    this.#objective = objective;
  }

  started(arm: string): void {
    this.#of(arm).trials += 1;
  }

  stepped(arm: string, steps: number): void {
    if (steps > 0) this.#of(arm).steps += steps;
  }

  /** Looks at a trial's best value; NaN for none. */
  measured(arm: string, trial: number, value: number): void {
    const totals = this.#of(arm);
    if (!isBetter(value, totals.value, this.#objective)) return;
    totals.best = trial;
    totals.value = value;
  }

  /** Whether a trial is the best of its arm. */
  isBest(arm: string, trial: number): boolean {
    return this.#arms.get(arm)?.best === trial;
  }

  /** Value of an arm's best trial; NaN for none. */
  bestValue(arm: string): number {
    return this.#of(arm).value;
  }

  /** The best of an arm had failed: it is looked for among all again. */
  forgetBest(arm: string): void {
    Object.assign(this.#of(arm), { best: undefined, value: Number.NaN });
  }

  /** As clients see them, the strategy's own first; empty where there is only that one. */
  view(): Arm[] {
    if (this.#arms.size === 0 || (this.#arms.size === 1 && this.#arms.has(""))) return [];
    return [...this.#arms]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { trials, steps, best, value }]) => ({
        name,
        trials,
        steps,
        bestTrial: best,
        bestValue: best === undefined ? undefined : value,
      }));
  }

  #of(arm: string): Totals {
    const known = this.#arms.get(arm) ?? { trials: 0, steps: 0, best: undefined, value: Number.NaN };
    this.#arms.set(arm, known);
    return known;
  }
}
