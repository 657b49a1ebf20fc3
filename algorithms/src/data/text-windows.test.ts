/** Tokens by hand, and windows that share nothing. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { mobyDick } from "./moby-dick.js";
import { TextWindows, tokenize } from "./text-windows.js";

it("keeps the most frequent tokens and calls all others 0", () => {
  const words = tokenize("the whale, the white whale's sea, the end", "word", 4);
  assert.deepEqual(words.vocabulary, ["", "the", ",", "whale"]);
  assert.deepEqual([...words.tokens], [1, 3, 2, 1, 0, 0, 0, 2, 1, 0]);
  const characters = tokenize("abba c", "character", 3);
  assert.deepEqual(characters.vocabulary, ["", "a", "b"]);
  assert.deepEqual([...characters.tokens], [1, 2, 2, 1, 0, 0]);
});

it("cuts the text into windows of which no two share a token, and deals each once", () => {
  const sizes = { train: 5, tune: 2, valid: 2, test: 1 };
  const windows = new TextWindows(
    Int32Array.from({ length: 43 }, (_, i) => i),
    3,
    sizes,
    1,
  );
  const seen = (["train", "tune", "valid", "test"] as const).flatMap((split) => {
    const { inputs, targets } = windows.batch(
      split,
      Int32Array.from({ length: sizes[split] }, (_, row) => row),
    );
    for (const [i, input] of inputs.entries()) assert.equal(targets[i], input + 1, "the target is the next token");
    return [...inputs].filter((_, i) => i % 3 === 0);
  });
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 10 }, (_, window) => 4 * window),
  );
  const other = new TextWindows(
    Int32Array.from({ length: 43 }, (_, i) => i),
    3,
    sizes,
    2,
  );
  const all = Int32Array.of(0, 1, 2, 3, 4);
  assert.notDeepEqual(other.batch("train", all), windows.batch("train", all), "another seed deals otherwise");
});

it("refuses splits that need more windows than the text has", () => {
  const make = () => new TextWindows(new Int32Array(43), 3, { train: 8, tune: 1, valid: 1, test: 1 }, 1);
  assert.throws(make, (error) => error instanceof RegulusError && /at most 10/.test(error.message));
});

it("reads the book: its first words, and 1.2 million characters of few kinds", () => {
  const book = mobyDick();
  assert.match(book, /^chapter 1\. loomings\. call me ishmael\. some years ago/);
  assert.ok(book.length > 1_150_000 && book.length < 1_250_000, `${book.length}`);
  const { tokens } = tokenize(book, "character", 40);
  assert.ok(
    tokens.filter((token) => token === 0).length < 0.002 * tokens.length,
    "forty characters leave out two of a thousand at most",
  );
});
