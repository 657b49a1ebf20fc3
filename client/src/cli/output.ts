/**
 * What a command writes: results to standard output, words to standard error. A reader that closes the pipe early (`regulus ls | head`)
 * ends the command without a complaint.
 */
import type { Warning } from "@regulus/proto";
import { plainText } from "../display/numbers.js";
import { toJson } from "./json.js";

/** A result line. */
export function writeLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A result for programs, on one line. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

/** A result line that waits while the reader is slow, for commands that write much. */
export async function writeLineSlowly(text: string, stream: NodeJS.WritableStream = process.stdout): Promise<void> {
  if (stream.write(`${text}\n`)) return;
  await new Promise<void>((resolve) => stream.once("drain", resolve));
}

/** A piece of a text that has lines of its own; waits while the reader is slow. */
export async function writePiece(text: string): Promise<void> {
  if (text === "" || process.stdout.write(text)) return;
  await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
}

/** Words for the person at the terminal. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What the owner of a search should know although it was accepted. */
export function noteWarnings(warnings: readonly Warning[]): void {
  for (const { message } of warnings) note(`warning: ${plainText(message)}`);
}

/** Width of the terminal, undefined where output goes to a file or a pipe and nothing is to be cut. */
export function terminalColumns(): number | undefined {
  return process.stdout.isTTY ? Math.max(20, process.stdout.columns ?? 80) : undefined;
}

/**
 * Rows under a head, aligned, two spaces apart. On a terminal the widest columns give way until a row fits a line; elsewhere nothing is
 * cut. Cells are cleared of control characters, since names come from strangers.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], columns = terminalColumns()): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => plainText(cell)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column] ?? ""))));
  if (columns !== undefined) narrow(widths, columns - 2 * (head.length - 1));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => fit(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

/** `name  value` lines, aligned. */
export function pairs(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => lengthOf(plainText(name))));
  return rows.map(([name, value]) => `${plainText(name).padEnd(width)}  ${plainText(value)}`.trimEnd()).join("\n");
}

/** Ends the process quietly when the reader of standard output has gone. Words to a standard error that nobody reads are dropped. */
export function endWithReader(): void {
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

function lengthOf(text: string): number {
  return [...text].length;
}

function fit(text: string, width: number): string {
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
  return text + " ".repeat(width - characters.length);
}

/** Takes one character at a time from the widest column but the first, which names the row; none gets narrower than three. */
function narrow(widths: number[], columns: number): void {
  const sum = () => widths.reduce((total, width) => total + width, 0);
  while (sum() > columns) {
    const widest = Math.max(...widths.slice(1));
    if (widest <= 3) return;
    widths[widths.indexOf(widest, 1)] = widest - 1;
  }
}
