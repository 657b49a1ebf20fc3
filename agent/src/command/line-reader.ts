/**
 * Splits a byte stream into lines, in bounded memory: a line longer than the bound is dropped, since nobody can mean it to be read, and told of.
 * A carriage return ends a line too: progress bars begin with one.
 */

const [lineFeed, carriageReturn] = [10, 13];

export class LineReader {
  #parts: Buffer[] = [];
  #bytes = 0;
  #tooLong = false;

  readonly #bytesMax: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;

  constructor(bytesMax: number, onLine: (line: string) => void, onTooLong: () => void = () => undefined) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  add(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (chunk[at] !== lineFeed && chunk[at] !== carriageReturn) continue;
      this.#keep(chunk.subarray(from, at));
      this.end();
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** The stream is over: what stands without a line's end is a line too. */
  end(): void {
    if (!this.#tooLong && this.#bytes > 0) this.#onLine(Buffer.concat(this.#parts).toString("utf8"));
    this.#parts = [];
    this.#bytes = 0;
    this.#tooLong = false;
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#tooLong) return;
    this.#bytes += part.length;
    if (this.#bytes > this.#bytesMax) {
      this.#tooLong = true;
      this.#parts = [];
      this.#onTooLong();
    } else this.#parts.push(Buffer.from(part));
  }
}
