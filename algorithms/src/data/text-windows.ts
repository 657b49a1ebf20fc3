/**
 * A text as data for language models: characters or words become numbers of a bounded vocabulary, the text is cut into windows that share no
 * token, and each seed deals the windows to the splits in an order of its own. A window's inputs are all its tokens but the last, its targets
 * all but the first.
 */
import { RegulusError } from "@regulus/proto";
import { createRng } from "../core/index.js";
import type { Split } from "../training/contracts/workload.js";

export type TextLevel = "character" | "word";

/** A text as numbers; 0 stands for everything outside the vocabulary. */
export interface TokenizedText {
  readonly tokens: Int32Array;
  /** What each number stands for; the first is the empty string. */
  readonly vocabulary: readonly string[];
}

/** @param size of the vocabulary with the number 0: the most frequent tokens of the text, ties by their first occurrence. */
export function tokenize(text: string, level: TextLevel, size: number): TokenizedText {
  const parts = level === "character" ? [...text] : (text.match(/\p{L}+(?:['-]\p{L}+)*|\d+|[^\s\p{L}\d]/gu) ?? []);
  const counts = new Map<string, number>();
  for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
  // Array sort is stable, and a Map goes by first occurrence.
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, size - 1);
  const vocabulary = ["", ...frequent.map(([part]) => part)];
  const numbers = new Map(vocabulary.map((part, number) => [part, number]));
  return { tokens: Int32Array.from(parts, (part) => numbers.get(part) ?? 0), vocabulary };
}

/** Windows of every split, counted from 0. */
export class TextWindows {
  readonly sizes: Readonly<Record<Split, number>>;
  readonly #tokens: Int32Array;
  readonly #length: number;
  /** Place of each window of a split in the text, in windows. */
  readonly #places: Readonly<Record<Split, Int32Array>>;

  /** @param length of inputs and of targets, in tokens. Throws where the text has fewer windows than the splits want. */
  constructor(tokens: Int32Array, length: number, sizes: Readonly<Record<Split, number>>, seed: number) {
    this.sizes = sizes;
    this.#tokens = tokens;
    this.#length = length;
    const { train, tune, valid, test } = sizes;
    const [windows, wanted] = [Math.floor(tokens.length / (length + 1)), train + tune + valid + test];
    if (wanted > windows) {
      const expected = `trainSize + tuneSize + validSize + testSize at most ${windows}, the windows of ${length} tokens that the text has`;
      throw RegulusError.invalid([{ field: "workload.options", seen: String(wanted), expected }]);
    }
    const order = createRng(seed).fork("text").permutation(windows);
    this.#places = {
      train: order.slice(0, train),
      tune: order.slice(train, train + tune),
      valid: order.slice(train + tune, train + tune + valid),
      test: order.slice(train + tune + valid, wanted),
    };
  }

  /** Tokens [rows, length] that go in, and [rows, length] that are to come out, row by row. */
  batch(split: Split, rows: Int32Array): { readonly inputs: Int32Array; readonly targets: Int32Array } {
    const length = this.#length;
    const inputs = new Int32Array(rows.length * length);
    const targets = new Int32Array(rows.length * length);
    for (const [at, row] of rows.entries()) {
      const from = (this.#places[split][row] ?? 0) * (length + 1);
      inputs.set(this.#tokens.subarray(from, from + length), at * length);
      targets.set(this.#tokens.subarray(from + 1, from + 1 + length), at * length);
    }
    return { inputs, targets };
  }
}
