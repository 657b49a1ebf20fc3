/**
 * The measurements of one attempt, one for each step: joins the lines that a program prints for one step and leaves out lines of a lower
 * step. A joined measurement is sent when the next step begins, when `flush` is called, or a moment after its first line; a line that comes
 * later still is sent as an amendment. Past a rate measurements are thinned; the newest and the best are always sent.
 */
import { limits, type Measurement, metricOf } from "@regulus/proto";

/** How long a measurement waits for further lines of its step, in milliseconds: longer than two prints are apart, too short to be seen. */
export const joinMs = 100;

export interface StepMeasurementsOptions {
  /** Metric of the first objective. */
  readonly objective: string;
  /** 1 to minimize, -1 to maximize. */
  readonly sign: 1 | -1;
  /** Lines of a lower step are left out: where the program goes on from; 0 for the beginning. */
  readonly fromStep: number;
  /** Seconds of training now, over all attempts. */
  readonly seconds: () => number;
  /** Whether one more may be sent now. */
  readonly mayBeSent: () => boolean;
  readonly send: (measurement: Measurement) => void;
  /** Calls back after a time, in milliseconds. */
  readonly after: (ms: number, call: () => void) => void;
}

export class StepMeasurements {
  /** The newest step's measurement, joined so far. */
  newest: Measurement | undefined;
  /** Lines that were left out, since their step was lower than one before. */
  leftOut = 0;
  /** Metrics that were left out, since their measurement was full. */
  overfull = 0;
  #isSent = true;
  /** The step that was sent last, perhaps in part. */
  #sentStep = -1;
  #isWaiting = false;
  #best = Number.NaN;
  /** The best of all steps that are over, while it was thinned out. */
  #thinnedBest: Measurement | undefined;

  readonly #options: StepMeasurementsOptions;

  constructor(options: StepMeasurementsOptions) {
    this.#options = options;
  }

  /** The step that a line's must not be lower than. */
  get step(): number {
    return this.newest?.step ?? this.#options.fromStep;
  }

  /** Takes a line. Answers whether it counts. */
  add(step: number, metrics: Readonly<Record<string, number>>): boolean {
    if (step < this.step) {
      this.leftOut += 1;
      return false;
    }
    if (step !== this.newest?.step) this.#close();
    const joined = this.#join(step === this.newest?.step ? this.newest.metrics : {}, metrics);
    const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {} };
    this.newest = { step, metrics: joined, ...nothing, seconds: this.#options.seconds() };
    this.#isSent = false;
    this.#wait();
    return true;
  }

  /** Sends what was not sent of the newest step. `isForced`: whatever the rate allows. */
  flush(isForced = false): void {
    if (this.newest === undefined || this.#isSent) return;
    if (!isForced && !this.#options.mayBeSent()) return;
    this.#isSent = true;
    this.#sentStep = this.newest.step;
    this.#sendThinned();
    this.#options.send(this.newest);
  }

  /** The last line was read: sends what is left. */
  end(): void {
    this.flush(true);
    this.#sendThinned();
  }

  #join(before: Readonly<Record<string, number>>, metrics: Readonly<Record<string, number>>): Record<string, number> {
    const entries = Object.entries({ ...before, ...metrics });
    this.overfull += Math.max(0, entries.length - limits.measurementNamesMax);
    return Object.fromEntries(entries.slice(0, limits.measurementNamesMax));
  }

  /** The newest step is over: its measurement stays as it is. */
  #close(): void {
    const { newest } = this;
    if (newest === undefined) return;
    // A step that was sent in part is sent whole in any case: what was sent may have fallen back.
    this.flush(this.#sentStep === newest.step);
    const value = (metricOf(newest.metrics, this.#options.objective) ?? Number.NaN) * this.#options.sign;
    if (Number.isFinite(value) && !(value >= this.#best)) {
      this.#best = value;
      this.#thinnedBest = this.#isSent ? undefined : newest;
    }
    this.#isSent = true;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.after(joinMs, () => {
      this.#isWaiting = false;
      this.flush();
      if (!this.#isSent) this.#wait();
    });
  }

  /** Before the newest is sent: steps only go up. */
  #sendThinned(): void {
    const thinnedBest = this.#thinnedBest;
    this.#thinnedBest = undefined;
    if (thinnedBest !== undefined) this.#options.send(thinnedBest);
  }
}
