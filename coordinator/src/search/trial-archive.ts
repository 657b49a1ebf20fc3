/**
 * Ended trials in little room: the message that clients see of each as bytes, end to end in large blocks, and a few numbers in columns
 * for ranking. A million objects with maps would cost kilobytes each; this costs what the trial's own numbers take.
 */
import { isTrialFailure, Trial, TrialStatus } from "@regulus/proto";
import { encoderOf } from "../encoded.js";

/** Bytes of a block; a larger trial gets a block of its own. */
const blockBytes = 256 * 1024;
/** Rows that the columns begin with; they double. */
const rowsAtFirst = 16;

/** Lost, out of memory, timed out or user error. */
const isFailed = 1;
/** Saved since it got its last work. */
const hasSaved = 2;

const encodeTrial = encoderOf(Trial);

/** Numbers of an ended trial beside its message. */
export interface EndedNumbers {
  /** Most steps that were ever done. */
  readonly step: number;
  /** Whether it saved since it got its last work. */
  readonly savedSince: boolean;
  /** Time in its checkpoints, in milliseconds of one slot. */
  readonly keptMs: number;
}

/** Trials that are over, by number. */
export class TrialArchive {
  readonly #blocks: Uint8Array[] = [];
  #used = blockBytes;
  #blockOf = new Uint32Array(rowsAtFirst);
  #offsetOf = new Uint32Array(rowsAtFirst);
  /** Bytes of a trial; 0 for one that is not here. */
  #lengthOf = new Uint32Array(rowsAtFirst);
  #values = new Float64Array(rowsAtFirst);
  #steps = new Float64Array(rowsAtFirst);
  #keptMs = new Float64Array(rowsAtFirst);
  /** What is yes or no of a trial, a bit each. */
  #bits = new Uint8Array(rowsAtFirst);

  has(trial: number): boolean {
    return (this.#lengthOf[trial] ?? 0) > 0;
  }

  add(view: Trial, numbers: EndedNumbers): void {
    // The search and the status are the same for all; they are put back on the way out.
    const bytes = encodeTrial({ ...view, searchId: "", status: TrialStatus.TRIAL_STATUS_UNSPECIFIED });
    const trial = view.trial;
    this.#grow(trial + 1);
    if (this.#used + bytes.length > (this.#blocks.at(-1)?.length ?? 0)) {
      this.#blocks.push(new Uint8Array(Math.max(blockBytes, bytes.length)));
      this.#used = 0;
    }
    this.#blocks.at(-1)?.set(bytes, this.#used);
    this.#blockOf[trial] = this.#blocks.length - 1;
    this.#offsetOf[trial] = this.#used;
    this.#lengthOf[trial] = bytes.length;
    this.#used += bytes.length;
    this.#values[trial] = view.value ?? Number.NaN;
    this.#steps[trial] = numbers.step;
    this.#keptMs[trial] = numbers.keptMs;
    this.#bits[trial] = (isTrialFailure(view.reason) ? isFailed : 0) | (numbers.savedSince ? hasSaved : 0);
  }

  /** Takes a trial out: it is tried again. Its bytes stay where they are. */
  remove(trial: number): void {
    this.#lengthOf[trial] = 0;
    this.#bits[trial] = 0;
  }

  get(searchId: string, trial: number): Trial | undefined {
    const length = this.#lengthOf[trial] ?? 0;
    const block = this.#blocks[this.#blockOf[trial] ?? 0];
    if (length === 0 || block === undefined) return undefined;
    const offset = this.#offsetOf[trial] ?? 0;
    const view = Trial.decode(block.subarray(offset, offset + length));
    return { ...view, searchId, status: TrialStatus.TRIAL_STATUS_ENDED };
  }

  /** A trial's value that counts; NaN for none, and for a trial that is not here. */
  value(trial: number): number {
    return this.has(trial) ? (this.#values[trial] ?? Number.NaN) : Number.NaN;
  }

  /** Whether a trial ended in a way after which it may be tried again. */
  failed(trial: number): boolean {
    return this.#has(trial, isFailed);
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

function copyInto<Column extends { set(from: ArrayLike<number>): void } & ArrayLike<number>>(to: Column, from: Column): Column {
  to.set(from);
  return to;
}
