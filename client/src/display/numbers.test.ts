/** How numbers, times and names read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCount, formatParameter, formatPercent, formatSeconds, formatValue, plainText } from "./numbers.js";

test("values have four significant digits, thousands and a name where they are not finite", () => {
  const values = [0, 0.11934, 1, 12.3456, 1532.4, 12_000, 0.000212, -0.5, -2.5e-5, 3e9, Number.NaN, -Infinity];
  assert.deepEqual(values.map(formatValue), [
    "0",
    "0.1193",
    "1",
    "12.35",
    "1,532",
    "12,000",
    "2.12e-4",
    "-0.5",
    "-2.5e-5",
    "3e9",
    "NaN",
    "-Infinity",
  ]);
});

test("times carry their units", () => {
  const seconds = [0.042, 8.13, 9.97, 59.6, 65, 3599.7, 7620, 273_600];
  const words = ["0.042 s", "8.1 s", "10 s", "1 min 00 s", "1 min 05 s", "1 h 00 min", "2 h 07 min", "3 d 04 h"];
  assert.deepEqual(seconds.map(formatSeconds), words);
});

test("shares, counts and parameters", () => {
  assert.deepEqual([0.0362, 0.5, 0.99961, 1].map(formatPercent), ["3.62 %", "50.0 %", "100 %", "100 %"]);
  assert.equal(formatCount(1234567.2), "1,234,567");
  assert.deepEqual([0.25, "adam", true].map(formatParameter), ["0.25", "adam", "true"]);
});

test("names lose control characters and direction marks, and are cut by characters, not by halves of one", () => {
  assert.equal(plainText("a\u001b[31mb\u202ec\n"), "ab c");
  assert.equal(plainText("😀😀😀😀", 3), "😀😀…");
});
