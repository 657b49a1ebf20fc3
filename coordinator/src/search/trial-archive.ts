/**
 * Ended trials in little room: the message that clients see of each as bytes, end to end in large blocks, and a few numbers in columns
 * for ranking. A million objects with maps would cost kilobytes each; this costs what the trial's own numbers take.
 */
import { Trial, TrialStatus } from "@regulus/proto";
import { encoderOf } from "../encoded.js";

/** Bytes of a block; a larger trial gets a block of its own. */
const blockBytes = 256 * 1024;
/** Rows that the columns begin with; they double. */
const rowsAtFirst = 16;

const encodeTrial = encoderOf(Trial);

/** Trials that are over, by number. */
export class TrialArchive {
  readonly #blocks: Uint8Array[] = [];
  #used = blockBytes;
  #blockOf = new Uint32Array(rowsAtFirst);
  #offsetOf = new Uint32Array(rowsAtFirst);
  /** Bytes of a trial; 0 for one that is not here. */
  #lengthOf = new Uint32Array(rowsAtFirst);
  #values = new Float64Array(rowsAtFirst);

  has(trial: number): boolean {
    return (this.#lengthOf[trial] ?? 0) > 0;
  }

  add(view: Trial): void {
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
  }

  get(searchId: string, trial: number): Trial | undefined {
    const length = this.#lengthOf[trial] ?? 0;
    const block = this.#blocks[this.#blockOf[trial] ?? 0];
    if (length === 0 || block === undefined) return undefined;
    const offset = this.#offsetOf[trial] ?? 0;
    const view = Trial.decode(block.subarray(offset, offset + length));
    return { ...view, searchId, status: TrialStatus.TRIAL_STATUS_ENDED };
  }

  /** A trial's value that counts; NaN for none. */
  value(trial: number): number {
    return this.#values[trial] ?? Number.NaN;
  }

  #grow(rows: number): void {
    let capacity = this.#lengthOf.length;
    if (rows <= capacity) return;
    while (capacity < rows) capacity *= 2;
    this.#blockOf = copyInto(new Uint32Array(capacity), this.#blockOf);
    this.#offsetOf = copyInto(new Uint32Array(capacity), this.#offsetOf);
    this.#lengthOf = copyInto(new Uint32Array(capacity), this.#lengthOf);
    this.#values = copyInto(new Float64Array(capacity), this.#values);
  }
}

function copyInto<Column extends { set(from: ArrayLike<number>): void } & ArrayLike<number>>(to: Column, from: Column): Column {
  to.set(from);
  return to;
}
