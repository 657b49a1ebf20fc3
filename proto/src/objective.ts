/**
 * Which value of a trial counts and which trial is better: the one definition, shared by the coordinator's state, strategies and clients.
 * A trial's value is its best finite measurement of the first objective, or its newest one where the objective says `value: last`. A trial
 * that failed or diverged has no value. Of equal values the lower trial number is better.
 */

import { Direction, type Objective, ObjectiveValue } from "./gen/regulus/v1/search.js";
import { EndReason, type Measurement, type Trial } from "./gen/regulus/v1/trial.js";

/** Whether a trial that ended for this reason keeps its value. */
export function endedWell(reason: EndReason): boolean {
  return reason === EndReason.END_REASON_DONE || reason === EndReason.END_REASON_STOPPED_EARLY;
}

/** Whether value `a` of an objective is better than `b`, where NaN stands for none. */
export function isBetter(a: number, b: number, { direction }: Pick<Objective, "direction">): boolean {
  if (Number.isNaN(a)) return false;
  if (Number.isNaN(b)) return true;
  return direction === Direction.DIRECTION_MAXIMIZE ? a > b : a < b;
}

/** What a value is multiplied by so that less is better: 1, or -1 where more is better. */
export function signOf(objective: Pick<Objective, "direction"> | undefined): 1 | -1 {
  return objective?.direction === Direction.DIRECTION_MAXIMIZE ? -1 : 1;
}

/** A metric of a measurement, whatever its name; undefined where the measurement lacks it. */
export function metricOf(metrics: Readonly<Record<string, number>> | undefined, name: string): number | undefined {
  return metrics !== undefined && Object.hasOwn(metrics, name) ? metrics[name] : undefined;
}

/** The value of a trial that counts, and the step at which it was measured. */
export interface CountedValue {
  /** NaN for none. */
  readonly value: number;
  readonly step: number;
  /** What it was before the newest step was measured; absent for none. Counts again where that step is measured again. */
  readonly earlier?: CountedValue;
}

/** A trial without a value. */
export const noValue: CountedValue = { value: Number.NaN, step: 0 };

/** How a measurement is read. */
export interface Reading {
  readonly objective: Objective;
  /** Whether it is of the step that the attempt measured last, and replaces that measurement. */
  readonly isAgain: boolean;
}

/** A trial's value after another measurement. One that lacks the metric changes nothing. */
export function valueAfter(before: CountedValue, measurement: Measurement, { objective, isAgain }: Reading): CountedValue {
  const { value, step } = (isAgain ? before.earlier : before) ?? noValue;
  const earlier = { value, step };
  const now = counted(earlier, measurement, objective);
  return { value: now.value, step: now.step, earlier };
}

function counted(before: CountedValue, { step, metrics }: Measurement, objective: Objective): CountedValue {
  const value = metricOf(metrics, objective.metric);
  if (value === undefined) return before;
  if (objective.value === ObjectiveValue.OBJECTIVE_VALUE_LAST) return Number.isFinite(value) ? { value, step } : noValue;
  return Number.isFinite(value) && isBetter(value, before.value, objective) ? { value, step } : before;
}

/** The measurement that counts for a trial, as the coordinator answers it; undefined where the trial has no value. */
export function countedMeasurement(trial: Trial | undefined, objective: Objective | undefined): Measurement | undefined {
  if (trial?.value === undefined || objective === undefined) return undefined;
  if (objective.value !== ObjectiveValue.OBJECTIVE_VALUE_LAST) return trial.best;
  const { last, value, valueStep } = trial;
  if (last === undefined || metricOf(last.metrics, objective.metric) !== undefined) return last;
  // The newest measurement lacks the metric: the value of an earlier one counts.
  return { ...last, step: valueStep ?? last.step, metrics: { ...last.metrics, [objective.metric]: value } };
}

/** The best of several trials, whose values come and change. A live trial's value may get worse, that of an ended one stays. */
export class Leader {
  readonly #objective: Objective;
  #best: Ranked = none;
  /** The best of those that ended well. */
  #ended: Ranked = none;

  constructor(objective: Objective) {
    this.#objective = objective;
  }

  /** The best trial; undefined where none has a value. */
  get trial(): number | undefined {
    return this.#best.trial;
  }

  /** Its value; NaN where none has one. */
  get value(): number {
    return this.#best.value;
  }

  /** The value of a trial that is not over is now this; NaN for none. `live`: all such trials, for when the leader fell back. */
  measured(trial: number, value: number, live: () => Iterable<Ranked>): void {
    if (trial === this.#best.trial && !this.#isBehind({ trial, value }, this.#best)) this.#best = { trial, value };
    else if (trial === this.#best.trial) this.#lookAgain(live());
    else this.#best = this.#better(this.#best, { trial, value });
  }

  /** A trial ended with this value; NaN where it failed. `live` no longer holds it. */
  ended(trial: number, value: number, live: () => Iterable<Ranked>): void {
    this.#ended = this.#better(this.#ended, { trial, value });
    this.measured(trial, value, live);
  }

  #lookAgain(live: Iterable<Ranked>): void {
    this.#best = this.#ended;
    for (const one of live) this.#best = this.#better(this.#best, one);
  }

  #better(a: Ranked, b: Ranked): Ranked {
    if (Number.isNaN(b.value)) return a;
    return this.#isBehind(b, a) ? a : b;
  }

  /** Whether `a` ranks after `b`. */
  #isBehind(a: Ranked, b: Ranked): boolean {
    if (isBetter(b.value, a.value, this.#objective)) return true;
    if (isBetter(a.value, b.value, this.#objective)) return false;
    return (b.trial ?? Number.POSITIVE_INFINITY) < (a.trial ?? Number.POSITIVE_INFINITY);
  }
}

/** A trial with its value; NaN for none. */
export interface Ranked {
  readonly trial: number | undefined;
  readonly value: number;
}

const none: Ranked = { trial: undefined, value: Number.NaN };
