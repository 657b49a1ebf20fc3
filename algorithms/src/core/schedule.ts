/**
 * How hyperparameters move over training, as a file (docs/schedule.md) and step by step: each row of values holds from its own step on until
 * the next. Recording thins itself out, so that a schedule never has more than `scheduleRowsKept` rows besides the last.
 * Source: MacKay et al., "Self-tuning networks", ICLR 2019, section 4.1, which replays learned schedules in ordinary networks.
 */
import { readSchedule, type Schedule } from "@regulus/proto";

/** Rows that a recording keeps; past it, every second one is dropped. */
export const scheduleRowsKept = 1024;

/** The row of a training step, counted from 0: the last whose step is not above it. `steps` ascend from 0. */
export function rowOf(steps: readonly number[], step: number): number {
  let low = 0;
  let high = steps.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((steps[middle] ?? Number.POSITIVE_INFINITY) <= step) low = middle;
    else high = middle;
  }
  return low;
}

/** Values at a training step, by hyperparameter. */
export function valuesAt({ steps, values }: Schedule, step: number): Record<string, number> {
  const row = rowOf(steps, step);
  return Object.fromEntries(Object.entries(values).map(([name, vector]) => [name, vector.values[row] ?? Number.NaN]));
}

/** Values and scales of hyperparameters, in the order of the recording's names. */
export interface ScheduleRow {
  readonly values: number[];
  readonly scales: number[];
}

/** A recording as plain data, for checkpoints. */
export interface SavedRecording {
  readonly steps: number[];
  readonly rows: ScheduleRow[];
  /** Rounds that were told of. */
  readonly rounds: number;
  /** Rounds that one row stands for. */
  readonly stride: number;
}

/** Records how hyperparameters move. */
export class ScheduleRecording {
  readonly #names: readonly string[];
  readonly #rowsKept: number;
  #steps: number[] = [];
  #rows: ScheduleRow[] = [];
  #rounds = 0;
  #stride = 1;

  /** @param first what holds from step 0 on. */
  constructor(names: readonly string[], first: ScheduleRow, rowsKept = scheduleRowsKept) {
    this.#names = names;
    this.#rowsKept = rowsKept;
    this.#put(0, first);
  }

  /** A round of tuning steps came to this: it holds from training step `step` on. */
  tuned(step: number, row: ScheduleRow): void {
    this.#rounds += 1;
    if (this.#rounds % this.#stride === 0) this.#put(step, row);
    if (this.#rows.length <= this.#rowsKept) return;
    this.#stride *= 2;
    // The first row is the beginning, and stays; of the others, those of rounds that the new stride divides.
    this.#steps = this.#steps.filter((_, at) => at % 2 === 0);
    this.#rows = this.#rows.filter((_, at) => at % 2 === 0);
  }

  /** Hyperparameters jumped, as when another trial's were taken: a row of its own whatever the stride. */
  jumped(step: number, row: ScheduleRow): void {
    this.#put(step, row);
  }

  /** @param last what holds at the end, which always has a row. */
  document(stepsDone: number, last: ScheduleRow): Readonly<Record<string, unknown>> {
    const steps = [...this.#steps];
    const rows = [...this.#rows];
    if (steps.at(-1) === stepsDone) rows[rows.length - 1] = last;
    else {
      steps.push(stepsDone);
      rows.push(last);
    }
    const column = (of: (row: ScheduleRow) => readonly number[]) =>
      Object.fromEntries(this.#names.map((name, i) => [name, rows.map((row) => of(row)[i] ?? Number.NaN)]));
    return {
      format: "regulus-schedule",
      version: 1,
      steps,
      values: column(({ values }) => values),
      scales: column(({ scales }) => scales),
      stepsDone,
      tuningRoundsPerRow: this.#stride,
    };
  }

  save(): SavedRecording {
    return { steps: [...this.#steps], rows: [...this.#rows], rounds: this.#rounds, stride: this.#stride };
  }

  restore({ steps, rows, rounds, stride }: SavedRecording): void {
    this.#steps = [...steps];
    this.#rows = [...rows];
    this.#rounds = rounds;
    this.#stride = stride;
  }

  #put(step: number, row: ScheduleRow): void {
    if (this.#steps.at(-1) === step) this.#rows[this.#rows.length - 1] = row;
    else {
      this.#steps.push(step);
      this.#rows.push(row);
    }
  }
}

/** A schedule file's bytes. */
export function encodeSchedule(document: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(document)}\n`);
}

/** The schedule in a file's bytes. Throws invalid-argument where it is none. */
export function decodeSchedule(bytes: Uint8Array): Schedule {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    document = undefined;
  }
  return readSchedule(document);
}
