/**
 * The kept part of a program's output, and how to address it: its beginning and its end, with a line between them that says how much is
 * left out. An offset counts bytes as they were printed, also where those before it are not kept any more.
 */

/** Bytes kept of the beginning and of the end. */
export const outputHeadBytesMax = 64 * 1024;
export const outputTailBytesMax = 192 * 1024;
/** Bytes of a piece where nothing else is asked for, and at most. */
export const outputPieceBytes = 64 * 1024;
export const outputPieceBytesMax = 256 * 1024;

/** A piece of an output. */
export interface OutputPart {
  readonly data: Uint8Array;
  /** Where it begins; past the offset that was asked for where bytes are left out. */
  readonly offset: number;
  readonly nextOffset: number;
  readonly totalBytes: number;
}

/** An output as it is kept: `dropped` bytes are missing between its two parts. */
export interface KeptOutput {
  readonly head: Uint8Array;
  readonly dropped: number;
  readonly tail: Uint8Array;
}

/** The line that stands for what is left out, in a stored output. */
export function leftOutLine(bytes: number): string {
  return `\n... ${bytes} ${bytes === 1 ? "byte" : "bytes"} left out ...\n`;
}

/** The piece of an output from an offset on. */
export function outputPart({ head, dropped, tail }: KeptOutput, offset: number, bytesMax: number): OutputPart {
  const tailAt = head.length + dropped;
  const totalBytes = tailAt + tail.length;
  const from = Math.min(offset >= head.length && offset < tailAt ? tailAt : offset, totalBytes);
  const part = from < head.length ? head.subarray(from, from + bytesMax) : tail.subarray(from - tailAt, from - tailAt + bytesMax);
  return { data: part, offset: from, nextOffset: from + part.length, totalBytes };
}

/** A stored output's two parts. */
export function readKeptOutput(stored: Uint8Array): KeptOutput {
  const rest = stored.subarray(outputHeadBytesMax, outputHeadBytesMax + 64);
  const [line, bytes] = /^\n\.\.\. (\d{1,15}) bytes? left out \.\.\.\n/.exec(Buffer.from(rest).toString("latin1")) ?? [];
  if (line === undefined) return { head: stored, dropped: 0, tail: stored.subarray(stored.length) };
  const tail = stored.subarray(outputHeadBytesMax + line.length);
  return { head: stored.subarray(0, outputHeadBytesMax), dropped: Number(bytes), tail };
}
