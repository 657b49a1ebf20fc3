/**
 * Lines at the bottom of a terminal that are painted over in place. They never take more rows than the terminal has, also after it was made smaller, so
 * nothing scrolls but the notes written above them. The cursor rests on the last line.
 */
import type { WriteStream } from "node:tty";

/** Where a display is drawn: a terminal, or anything that takes text. */
export type DisplayStream = NodeJS.WritableStream & Partial<Pick<WriteStream, "isTTY" | "columns" | "rows">>;

const hide = "\u001b[?25l\u001b[?7l";
const show = "\u001b[?25h\u001b[?7h";
const clearDown = "\u001b[0J";

export class ScreenLines {
  readonly #stream: DisplayStream;
  #painted = 0;
  #isOpen = false;

  constructor(stream: DisplayStream) {
    this.#stream = stream;
  }

  /** Paints lines in place of the ones before; notes are written above them and stay. All in one write, so that nothing flickers. */
  paint(lines: readonly string[], notes: readonly string[] = []): void {
    const shown = lines.slice(0, this.rows());
    const above = notes.map((note) => `${note}\r\n`).join("");
    this.#stream.write(`${this.#isOpen ? "" : hide}${this.#begin()}${above}${shown.join("\r\n")}`);
    this.#isOpen = true;
    this.#painted = shown.length;
  }

  /** Takes the lines away and gives the cursor back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#stream.write(`${this.#begin()}${show}`);
    this.#isOpen = false;
    this.#painted = 0;
  }

  /** Lines that there is room for. */
  rows(): number {
    return Math.max(1, (this.#stream.rows ?? 24) - 1);
  }

  /** To the first painted line, clear from there. A terminal that got smaller has pushed the upper ones out. */
  #begin(): string {
    const up = Math.min(this.#painted, this.#stream.rows ?? 24) - 1;
    return `\r${up > 0 ? `\u001b[${up}A` : ""}${clearDown}`;
  }
}
