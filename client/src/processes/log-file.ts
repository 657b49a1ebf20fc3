/** Log lines of a child in a file that never grows past a bound: one older file is kept beside it. */
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Bytes of a log file before it is put aside. */
const fileBytesMax = 16 * 2 ** 20;

/** Appends lines. Written at once, so that the last words of a child that dies are there. */
export class LogFile {
  readonly path: string;
  #bytes: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#bytes = sizeOf(path);
  }

  append(line: string): void {
    const text = `${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > fileBytesMax) {
      renameSync(this.path, `${this.path}.old`);
      this.#bytes = Buffer.byteLength(text);
    }
    appendFileSync(this.path, text, { mode: 0o600 });
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
