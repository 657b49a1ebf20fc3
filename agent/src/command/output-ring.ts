/**
 * A program's output in bounded memory: its first bytes (how it was started, warnings) and its last ones (what went wrong), with a line
 * between them that says how much is left out.
 */

import { type KeptOutput, leftOutLine, outputHeadBytesMax, outputTailBytesMax } from "@regulus/proto";

/** What a terminal is left with of a line that was written over. */
function shown(line: string): string {
  const written = line.replace(/\r+$/, "");
  return written.slice(written.lastIndexOf("\r") + 1);
}

export class OutputRing {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #droppedBytes = 0;

  readonly #headMax: number;
  readonly #tailMax: number;

  constructor(headMax: number = outputHeadBytesMax, tailMax: number = outputTailBytesMax) {
    this.#headMax = headMax;
    this.#tailMax = tailMax;
  }

  add(chunk: Buffer): void {
    const room = this.#headMax - this.#headBytes;
    if (room > 0) {
      const first = chunk.subarray(0, room);
      this.#head.push(Buffer.from(first));
      this.#headBytes += first.length;
      chunk = chunk.subarray(room);
    }
    if (chunk.length === 0) return;
    this.#tail.push(Buffer.from(chunk));
    this.#tailBytes += chunk.length;
    // Twice the bound before compacting, so that each byte is moved a bounded number of times.
    if (this.#tailBytes > 2 * this.#tailMax) this.#compact();
  }

  /** Bytes that were printed in all. */
  get totalBytes(): number {
    return this.#headBytes + this.#tailBytes + this.#droppedBytes;
  }

  /** What is kept now, in its parts. */
  kept(): KeptOutput {
    if (this.#tailBytes > this.#tailMax) this.#compact();
    return { head: Buffer.concat(this.#head), dropped: this.#droppedBytes, tail: Buffer.concat(this.#tail) };
  }

  /** What is kept, in order. */
  contents(): Buffer {
    if (this.#tailBytes > this.#tailMax) this.#compact();
    const gap = this.#droppedBytes > 0 ? [Buffer.from(leftOutLine(this.#droppedBytes))] : [];
    return Buffer.concat([...this.#head, ...gap, ...this.#tail]);
  }

  /** The last lines, for a message, as a terminal would show them: a carriage return begins the line anew. */
  lastLines(count: number): string {
    const lines = this.contents().toString("utf8").trimEnd().split("\n").map(shown);
    return lines.slice(-count).join("\n");
  }

  #compact(): void {
    const all = Buffer.concat(this.#tail);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#tailMax)));
    this.#droppedBytes += all.length - kept.length;
    this.#tail = [kept];
    this.#tailBytes = kept.length;
  }
}
