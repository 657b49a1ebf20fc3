/** A small terminal of the test's own reads what is painted: it scrolls for notes alone, however small it is or becomes. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { type DisplayStream, ScreenLines } from "./screen-lines.js";

/** Rows of text with a cursor: line feeds, carriage returns, cursor up, clear down. Everything else is a character. */
class Terminal {
  rows: string[] = [""];
  top = 0;
  at = 0;
  scrolled = 0;
  height: number;

  constructor(height: number) {
    this.height = height;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read.
    for (const [piece] of text.matchAll(/\u001b\[\??\d*[A-Za-z]|[\s\S]/g)) {
      if (piece === "\n") this.#feed();
      else if (piece === "\r") continue;
      else if (/^.\[\d+A$/su.test(piece)) this.at = Math.max(this.top, this.at - Number.parseInt(piece.slice(2), 10));
      else if (piece.endsWith("[0J")) this.rows.splice(this.at, this.rows.length, "");
      else if (!piece.startsWith("\u001b")) this.rows[this.at] += piece;
    }
  }

  /** What is out of sight at the top comes never back. */
  resize(height: number): void {
    this.height = height;
    this.top = Math.max(this.top, this.at - height + 1);
  }

  #feed(): void {
    this.at += 1;
    this.rows[this.at] ??= "";
    if (this.at - this.top < this.height) return;
    this.top += 1;
    this.scrolled += 1;
  }
}

test("only notes scroll, at any size of the terminal", () => {
  const steps = fc.array(
    fc.record({
      lines: fc.integer({ min: 0, max: 30 }),
      notes: fc.integer({ min: 0, max: 3 }),
      rows: fc.integer({ min: 1, max: 12 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (list, firstRows) => {
      const terminal = new Terminal(firstRows);
      const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: firstRows });
      stream.on("data", (chunk: Buffer) => terminal.write(chunk.toString()));
      const screen = new ScreenLines(stream satisfies DisplayStream);
      let notes = 0;
      let scrolledMax = 0;
      let painted = 0;
      for (const { lines, notes: more, rows } of list) {
        terminal.resize(rows);
        stream.rows = rows;
        const texts = Array.from({ length: lines }, (_, index) => `line ${index}`);
        const told = Array.from({ length: more }, () => `note ${notes++}`);
        screen.paint(texts, told);
        const shown = Math.min(lines, screen.rows());
        assert.ok(shown <= Math.max(1, rows - 1));
        assert.deepEqual(
          terminal.rows.slice(terminal.at - Math.max(0, shown - 1), terminal.at + 1),
          shown === 0 ? [""] : texts.slice(0, shown),
        );
        scrolledMax += more + Math.max(0, shown - painted);
        painted = Math.max(shown, 1);
        assert.ok(terminal.scrolled <= scrolledMax, `${terminal.scrolled} rows scrolled, ${scrolledMax} were new`);
        const before = terminal.scrolled;
        for (let again = 0; again < 3; again += 1) screen.paint(texts);
        assert.equal(terminal.scrolled, before, "painting the same again scrolls nothing");
      }
      screen.close();
    }),
  );
});

test("the cursor and wrapping are given back once, and nothing is written where nothing was painted", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 4 });
  const screen = new ScreenLines(stream);
  screen.close();
  assert.equal(stream.read(), null);
  screen.paint(["a", "b"]);
  screen.close();
  screen.close();
  const text = String(stream.read()).replaceAll("\u001b", "ESC");
  assert.equal(text, "ESC[?25lESC[?7l\rESC[0Ja\r\nb\rESC[1AESC[0JESC[?25hESC[?7h");
});
