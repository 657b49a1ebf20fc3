/** Nothing that a program prints can move a cursor, and nothing of its text is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SafeOutputStream, safeOutput } from "./safe-output.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u001b[31m",
        "\u001b[2J",
        "\u001b]0;title\u0007",
        "\u001b]8;;http://x\u001b\\",
        "\u009b1A",
        "\u001bc",
        "\u001b",
        "\r",
        "\n",
        "\t",
        "\u202e",
      ),
      fc.string({ unit: "binary" }),
    ),
  )
  .map((pieces) => pieces.join(""));

test("no control character except newline and tab passes", () => {
  fc.assert(fc.property(hostile, (text) => assert.doesNotMatch(safeOutput(text), unsafe)));
});

test("sequences go, text stays, and a line written over and over shows its last state", () => {
  assert.equal(safeOutput("\u001b[1;31merror\u001b[0m: x\u001b]0;owned\u0007 y\tz\n"), "error: x y\tz\n");
  assert.equal(safeOutput("10 %\r50 %\r100 %\ndone\r\n"), "100 %\ndone\n");
  assert.equal(safeOutput("naïve ∇ 🚀"), "naïve ∇ 🚀");
});

test("in pieces of any size the same is shown as at once", () => {
  const lines = fc.array(fc.oneof(hostile, fc.string({ unit: "grapheme" })), { maxLength: 8 }).map((all) => all.join("\n"));
  fc.assert(
    fc.property(lines, fc.integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = new TextEncoder().encode(text);
      const stream = new SafeOutputStream();
      let shown = "";
      for (let at = 0; at < bytes.length; at += size) shown += stream.add(bytes.subarray(at, at + size));
      assert.equal(shown + stream.end(), safeOutput(new TextDecoder().decode(bytes)));
    }),
  );
});

test("a long line that never ends is shown as it comes", () => {
  const stream = new SafeOutputStream();
  assert.equal(stream.add(new TextEncoder().encode("x".repeat(10_000))).length, 10_000);
});
