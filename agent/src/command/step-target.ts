/**
 * When a program has come to the step that it is to reach: at its first measurement there or past it that has the objective. Where a step at or
 * past the target ends without the objective, and the objective was measured before, that step is it: a program that evaluates rarely is not
 * waited for. A line of a later step says that the program goes on regardless.
 */

/** What a line says of the target: not there yet; reached by this line; or this line's step lies behind the one that reached it. */
export type Arrival = "before" | "reached" | "beyond";

export class StepTarget {
  /** The step that reached the target; undefined while none did. */
  reachedStep: number | undefined;
  #newestStep = -1;
  #measuredObjective = false;

  /** @param step the target; 0 for none. */
  readonly #step: number;
  readonly #objective: string;

  constructor(step: number, objective: string) {
    this.#step = step;
    this.#objective = objective;
  }

  /** Takes a line whose step is not lower than the one before. */
  add(step: number, metrics: Readonly<Record<string, number>>): Arrival {
    if (this.#step === 0) return "before";
    const newestStep = this.#newestStep;
    this.#newestStep = step;
    const isOver = step > newestStep && newestStep >= this.#step;
    if (isOver && this.#measuredObjective) this.reachedStep ??= newestStep;
    if (this.reachedStep !== undefined) return step > this.reachedStep ? "beyond" : "reached";
    if (Object.hasOwn(metrics, this.#objective)) this.#measuredObjective = true;
    if (step < this.#step || !Object.hasOwn(metrics, this.#objective)) return "before";
    this.reachedStep = step;
    return "reached";
  }
}
