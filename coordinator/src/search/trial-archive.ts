/**
 * Ended trials in little room: the message that clients see of each as bytes, several in a block, and a few numbers in columns
 * for ranking. A million objects with maps would cost kilobytes each; this costs what the trial's own numbers take. The newest few wait as objects, to be
 * encoded together.
 */
import { isTrialFailure, type Measurement, Trial, TrialStatus } from "@regulus/proto";
import { partsEncoderOf } from "../encoded.js";

/** Trials of a block. */
const blockTrials = 16;
/** Rows that the columns begin with; they double. */
const rowsAtFirst = 16;

/** Lost, out of memory, timed out or user error. */
const isFailed = 1;
/** Saved since it got its last work. */
const hasSaved = 2;
/** In the archive. */
const isHere = 4;
/** Its last measurement is its best one too, and kept once. */
const endsBest = 8;
/** Cut off by the end of a failed search. */
const wasCutOff = 16;

const encodeTrials = partsEncoderOf(Trial, 0);

/** Numbers of an ended trial beside its message. */
export interface EndedNumbers {
  /** Most steps that were ever done. */
  readonly step: number;
  /** Whether it saved since it got its last work. */
  readonly savedSince: boolean;
  /** Whether the end of a failed search cut it off before it had a value. */
  readonly cutOff: boolean;
  /** Time in its checkpoints, in milliseconds of one slot. */
  readonly keptMs: number;
}

/** Trials that are over, by number. */
export class TrialArchive {
  readonly #blocks: Uint8Array[] = [];
  /** Trials that are in no block yet. */
  #waiting: Trial[] = [];
  #blockOf = new Uint32Array(rowsAtFirst);
  #offsetOf = new Uint32Array(rowsAtFirst);
  /** Bytes of a trial; 0 for one that is in no block. */
  #lengthOf = new Uint32Array(rowsAtFirst);
  #values = new Float64Array(rowsAtFirst);
  #steps = new Float64Array(rowsAtFirst);
  #keptMs = new Float64Array(rowsAtFirst);
  /** What is yes or no of a trial, a bit each. */
  #bits = new Uint8Array(rowsAtFirst);

  has(trial: number): boolean {
    return this.#has(trial, isHere);
  }

  add(view: Trial, numbers: EndedNumbers): void {
    // The search and the status are the same for all; they are put back on the way out.
    const kept: Trial = { ...view, searchId: "", status: TrialStatus.TRIAL_STATUS_UNSPECIFIED };
    const isEndBest = isSame(view.last, view.best);
    if (isEndBest) kept.best = undefined;
    this.#waiting.push(kept);
    const trial = view.trial;
    this.#grow(trial + 1);
    this.#values[trial] = view.value ?? Number.NaN;
    this.#steps[trial] = numbers.step;
    this.#keptMs[trial] = numbers.keptMs;
    const ofEnd = (isTrialFailure(view.reason) ? isFailed : 0) | (numbers.cutOff ? wasCutOff : 0);
    this.#bits[trial] = isHere | ofEnd | (numbers.savedSince ? hasSaved : 0) | (isEndBest ? endsBest : 0);
    if (this.#waiting.length >= blockTrials) this.pack();
  }

  /** Puts those that wait into a block: no more may come for long. */
  pack(): void {
    const trials = this.#waiting;
    this.#waiting = [];
    for (const [index, bytes] of encodeTrials(trials).entries()) {
      if (index === 0) this.#blocks.push(new Uint8Array(bytes.buffer));
      const trial = trials[index]?.trial ?? 0;
      this.#blockOf[trial] = this.#blocks.length - 1;
      this.#offsetOf[trial] = bytes.byteOffset;
      this.#lengthOf[trial] = bytes.length;
    }
  }

  /** Takes a trial out: it is tried again. Its bytes stay where they are. */
  remove(trial: number): void {
    this.#waiting = this.#waiting.filter((one) => one.trial !== trial);
    this.#lengthOf[trial] = 0;
    this.#bits[trial] = 0;
  }

  get(searchId: string, trial: number): Trial | undefined {
    const bytes = this.#bytesOf(trial);
    const view = bytes && Trial.decode(bytes);
    if (view !== undefined && this.#has(trial, endsBest)) view.best = view.last && { ...view.last };
    return view && { ...view, searchId, status: TrialStatus.TRIAL_STATUS_ENDED };
  }

  /** A trial's value that counts; NaN for none, and for a trial that is not here. */
  value(trial: number): number {
    return this.has(trial) ? (this.#values[trial] ?? Number.NaN) : Number.NaN;
  }

  /** Whether a trial ended as failed. */
  failed(trial: number): boolean {
    return this.#has(trial, isFailed);
  }

  /** Whether a trial ended in a way after which it may be tried again: it failed or was cut off. */
  mayRetry(trial: number): boolean {
    return this.#has(trial, isFailed | wasCutOff);
  }

  /** Whether a trial saved since it got its last work. */
  savedSince(trial: number): boolean {
    return this.#has(trial, hasSaved);
  }

  /** Most steps that a trial ever did. */
  step(trial: number): number {
    return this.#steps[trial] ?? 0;
  }

  /** Time in a trial's checkpoints, in milliseconds of one slot. */
  keptMs(trial: number): number {
    return this.#keptMs[trial] ?? 0;
  }

  #bytesOf(trial: number): Uint8Array | undefined {
    if (!this.has(trial)) return undefined;
    const length = this.#lengthOf[trial] ?? 0;
    if (length === 0) return encodeTrials(this.#waiting.filter((one) => one.trial === trial))[0];
    const offset = this.#offsetOf[trial] ?? 0;
    return this.#blocks[this.#blockOf[trial] ?? 0]?.subarray(offset, offset + length);
  }

  #has(trial: number, bit: number): boolean {
    return ((this.#bits[trial] ?? 0) & bit) !== 0;
  }

  #grow(rows: number): void {
    let capacity = this.#lengthOf.length;
    if (rows <= capacity) return;
    while (capacity < rows) capacity *= 2;
    this.#blockOf = copyInto(new Uint32Array(capacity), this.#blockOf);
    this.#offsetOf = copyInto(new Uint32Array(capacity), this.#offsetOf);
    this.#lengthOf = copyInto(new Uint32Array(capacity), this.#lengthOf);
    this.#values = copyInto(new Float64Array(capacity), this.#values);
    this.#steps = copyInto(new Float64Array(capacity), this.#steps);
    this.#keptMs = copyInto(new Float64Array(capacity), this.#keptMs);
    this.#bits = copyInto(new Uint8Array(capacity), this.#bits);
  }
}

/** Whether two measurements of a trial are one: its names and numbers are then the same object. */
function isSame(a: Measurement | undefined, b: Measurement | undefined): boolean {
  return a !== undefined && a.metrics === b?.metrics && a.step === b.step && a.attempt === b.attempt;
}

function copyInto<Column extends { set(from: ArrayLike<number>): void } & ArrayLike<number>>(to: Column, from: Column): Column {
  to.set(from);
  return to;
}
