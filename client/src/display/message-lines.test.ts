/** Texts of several lines are shown as they were given, and a terminal obeys none of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { givenLines, messageLines } from "./message-lines.js";

const line = fc
  .tuple(fc.stringMatching(/^[ \t]{0,8}$/), fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/))
  .map(([indent, text]) => indent + text);

test("lines come out with their breaks, their order and their indentation, blank ones between them too", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(line, fc.constant(""))),
      line,
      line,
      fc.constantFrom("\n", "\r\n"),
      (middle, first, last, end) => {
        const lines = [first, ...middle, last];
        assert.deepEqual(givenLines(lines.join(end)), lines);
        assert.deepEqual(givenLines(`${end}${lines.join(end)}${end}`), lines);
        const shown = messageLines(lines.join(end));
        assert.equal(shown[0], `  ${first}`);
        assert.equal(shown.at(-1), `  ${last}`);
        if (lines.length <= 12)
          assert.deepEqual(
            shown,
            lines.map((one) => (one === "" ? "" : `  ${one}`)),
          );
      },
    ),
  );
});

const anything = fc.array(fc.integer({ min: 0, max: 0x30ff })).map((codes) => String.fromCodePoint(...codes));

test("of any text at all no control character but a tab stays, and no line is longer than asked", () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 50 }), (text, charactersMax) => {
      for (const shown of givenLines(text, charactersMax)) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
        assert.doesNotMatch(shown, /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        assert.ok([...shown].length <= charactersMax);
      }
    }),
  );
});
