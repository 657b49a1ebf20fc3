/**
 * Asynchronous successive halving as its paper defines it, over lists and sorts: what the strategy's heaps are compared with. Slow, and short enough to be
 * checked by reading.
 */
import { assert, Direction, EndReason, isTrialFailure, type Objective, ObjectiveValue } from "@regulus/proto";

/** A measurement as a program printed it; undefined where it lacks the objective. */
export interface Reading {
  readonly step: number;
  value: number | undefined;
}

export interface Trial {
  target: number;
  status: "busy" | "paused" | "failed" | "over";
  /** One for each step, but for steps that were gone back to. */
  readings: Reading[];
  /** Where it can be seen by rung: how many readings led to its first value there. */
  seenAt: Map<number, number>;
}

export interface Rules {
  readonly eta: number;
  readonly steps: readonly number[];
  readonly objective: Objective;
  readonly trialsMax: number;
  readonly finishBest: boolean;
}

/** All trials of a search, as its facts tell them one after the other. */
export class AshaDefinition {
  readonly trials: Trial[] = [];
  /** By rung: losses of the trials that reached it, for good. */
  readonly entered: Map<number, number>[];
  /** By rung: trials that are not to be promoted any more. */
  readonly gone: Set<number>[];
  finished = 0;
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
    this.entered = rules.steps.map(() => new Map());
    this.gone = rules.steps.map(() => new Set());
  }

  /** What the first `count` readings are worth, less being better; undefined for nothing. */
  #loss({ readings }: Trial, count: number): number | undefined {
    const { direction, value: which } = this.#rules.objective;
    const sign = direction === Direction.DIRECTION_MAXIMIZE ? -1 : 1;
    const values = readings.slice(0, count).flatMap(({ value }) => (value === undefined ? [] : [value]));
    const counted = (which === ObjectiveValue.OBJECTIVE_VALUE_LAST ? values.slice(-1) : values).filter(Number.isFinite);
    return counted.length === 0 ? undefined : Math.min(...counted.map((value) => sign * value));
  }

  measure(number: number, reading: Reading): void {
    const trial = this.#trial(number);
    if (trial.status === "failed" || trial.status === "over") return;
    if (trial.readings.at(-1)?.step === reading.step) {
      // It replaces what that step had shown.
      for (const [rung, seen] of trial.seenAt) if (seen === trial.readings.length) trial.seenAt.delete(rung);
      trial.readings.pop();
    }
    trial.readings.push(reading);
    const count = trial.readings.length;
    if (reading.value === undefined || this.#loss(trial, count) === undefined) return;
    for (const [rung, step] of this.#rules.steps.entries())
      if (rung >= trial.target && step <= reading.step && !trial.seenAt.has(rung)) trial.seenAt.set(rung, count);
  }

  #trial(number: number): Trial {
    const trial = this.trials[number];
    assert(trial, `there is a trial ${number}`);
    return trial;
  }

  start(): void {
    this.trials.push({ target: 0, status: "busy", readings: [], seenAt: new Map() });
  }

  resume(number: number, rung: number): void {
    const trial = this.#trial(number);
    this.gone[trial.target]?.add(number);
    Object.assign(trial, { target: rung, status: "busy" });
  }

  retry(number: number): void {
    Object.assign(this.#trial(number), { status: "busy" });
  }

  #enter(number: number, loss: number): void {
    const { target } = this.#trial(number);
    const losses = this.entered[target];
    assert(losses, `there is a rung ${target}`);
    if (!losses.has(number)) losses.set(number, loss);
  }

  pause(number: number): void {
    const trial = this.#trial(number);
    this.#enter(number, this.#lossAtRung(trial));
    trial.status = "paused";
  }

  #lossAtRung(trial: Trial): number {
    return this.#loss(trial, trial.seenAt.get(trial.target) ?? trial.readings.length) ?? Number.MAX_VALUE;
  }

  end(number: number, reason: EndReason): void {
    const trial = this.#trial(number);
    const done = reason === EndReason.END_REASON_DONE;
    const bad = reason === EndReason.END_REASON_DIVERGED || reason === EndReason.END_REASON_INFEASIBLE;
    if (trial.status === "busy" && (done || bad)) this.#enter(number, bad ? Number.MAX_VALUE : this.#lossAtRung(trial));
    if (trial.status === "busy" && done && trial.target === this.#rules.steps.length - 1) this.finished += 1;
    if (!(isTrialFailure(reason) && !this.entered[trial.target]?.has(number))) this.gone[trial.target]?.add(number);
    trial.status = isTrialFailure(reason) ? "failed" : "over";
  }

  /** get_job of the paper, for as many as there is room for. */
  ask(limit: number): string[] {
    const { steps, eta, trialsMax, finishBest } = this.#rules;
    const last = steps.length - 1;
    const found: string[] = [];
    const ranked = (rung: number) =>
      [...(this.entered[rung] ?? [])].sort(([a, lossA], [b, lossB]) => lossA - lossB || a - b).map(([trial]) => trial);
    for (let rung = last - 1; rung >= 0; rung--) {
      const all = ranked(rung);
      const best = all.slice(0, Math.floor(all.length / eta)).filter((trial) => this.gone[rung]?.has(trial) !== true);
      for (const trial of best) if (found.length < limit) found.push(`${trial} to ${steps[rung + 1]}`);
    }
    for (let next = this.trials.length; next < trialsMax && found.length < limit; next++) found.push(`start to ${steps[0]}`);
    if (found.length > 0 || !finishBest || limit === 0) return found;
    if (this.finished > 0 || this.trials.some(({ status }) => status === "busy")) return [];
    for (let rung = last - 1; rung >= 0; rung--) {
      const [best] = ranked(rung).filter((trial) => this.gone[rung]?.has(trial) !== true);
      if (best !== undefined) return [`${best} to ${steps[last]}`];
    }
    return [];
  }
}
