/** Totals of each arm of a search: trials, steps and the best trial, folded like the search. Ranks by the first objective. */
import { type Arm, endedWell, Leader, limits, type Objective, sumOfSteps } from "@regulus/proto";
import type { TrialState } from "./trial-state.js";

interface Totals {
  trials: number;
  steps: number;
  readonly leader: Leader;
  readonly spread: Spread;
  /** How the newest of its trials that came to nothing ended; undefined where none did. */
  failure: string | undefined;
}

/** The standard deviation of values that come one by one. Source: B. P. Welford, Technometrics 4 (1962), 419. */
class Spread {
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    this.#count += 1;
    const before = value - this.#mean;
    this.#mean += before / this.#count;
    this.#squares += before * (value - this.#mean);
  }

  /** Undefined for fewer than two values, and past what a number can hold. */
  get deviation(): number | undefined {
    const variance = this.#squares / (this.#count - 1);
    return this.#count > 1 && Number.isFinite(variance) ? Math.sqrt(variance) : undefined;
  }
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
    const totals = this.#of(arm);
    if (steps > 0) totals.steps = sumOfSteps(totals.steps, steps);
  }

  /** A trial of an arm ended with a value; NaN for none. */
  ended(arm: string, value: number, { reason, message }: NonNullable<TrialState["end"]>): void {
    if (Number.isFinite(value)) this.#of(arm).spread.add(value);
    if (!endedWell(reason)) this.#of(arm).failure = message;
  }

  /** How the newest failed trial of an arm in which none has a value ended; undefined where one has, or none failed. */
  failure(arm: string): string | undefined {
    const totals = this.#arms.get(arm);
    return totals?.leader.trial === undefined ? totals?.failure : undefined;
  }

  /** Whether a trial of an arm may be started: the arm is known, or there may be one more. */
  hasRoom(arm: string): boolean {
    return this.#arms.has(arm) || this.#arms.size < limits.armsMax;
  }

  /** Trials that an arm started. */
  trials(arm: string): number {
    return this.#arms.get(arm)?.trials ?? 0;
  }

  /** Who is the best of an arm. */
  leader(arm: string): Leader {
    return this.#of(arm).leader;
  }

  /** As clients see them, the strategy's own first; empty where there is only that one. */
  view(): Arm[] {
    if (this.#arms.size === 0 || (this.#arms.size === 1 && this.#arms.has(""))) return [];
    return [...this.#arms]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { trials, steps, leader, spread }]) => ({
        name,
        trials,
        steps,
        bestTrial: leader.trial,
        bestValue: leader.trial === undefined ? undefined : leader.value,
        deviation: spread.deviation,
      }));
  }

  #of(arm: string): Totals {
    const known = this.#arms.get(arm);
    if (known !== undefined) return known;
    const totals: Totals = { trials: 0, steps: 0, leader: new Leader(this.#objective), spread: new Spread(), failure: undefined };
    this.#arms.set(arm, totals);
    return totals;
  }
}
