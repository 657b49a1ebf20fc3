/**
 * A command's output: results to standard output, messages to standard error. A reader that closes the pipe early (`regulus ls | head`)
 * ends the command without a complaint.
 */
import { RegulusError, type Warning } from "@regulus/proto";
import { exactValue, formatCount, formatValue, plainText } from "../display/numbers.js";
import { exitCodeOf, exitCodes } from "./exit-codes.js";
import { toJson } from "./json.js";
import { safeText } from "./safe-output.js";

/** A result, of one line or several. Whatever stands in it, no escape sequence reaches the terminal. */
export function writeLine(text: string): void {
  process.stdout.write(`${safeText(text)}\n`);
}

/** Lines of a table that our own colours are in already; the cells were cleared before they were painted. */
export function writeTable(text: string): void {
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

/** A piece of what has lines of its own; waits while the reader is slow. */
export async function writePiece(piece: string | Uint8Array): Promise<void> {
  if (piece.length === 0 || process.stdout.write(piece)) return;
  await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
}

/** Words for the person at the terminal, cleared of escape sequences likewise. */
export function note(text: string): void {
  process.stderr.write(`${safeText(text)}\n`);
}

/** What the owner of a search should know although it was accepted. */
export function noteWarnings(warnings: readonly Warning[]): void {
  for (const { message } of warnings) note(`warning: ${plainText(message)}`);
}

/** How numbers are written to standard output: short for people at a terminal, exact for whatever reads a file or a pipe. */
export function numberFormat(): (value: number) => string {
  return process.stdout.isTTY ? formatValue : exactValue;
}

/** The same for counts. */
export function countFormat(): (value: number) => string {
  return process.stdout.isTTY ? formatCount : exactValue;
}

/** Width of the terminal, undefined where output goes to a file or a pipe and nothing is to be cut. */
export function terminalColumns(): number | undefined {
  return process.stdout.isTTY ? Math.max(20, process.stdout.columns ?? 80) : undefined;
}

/**
 * Rows under a head, aligned, two spaces apart. On a terminal the widest columns give way until a row fits a line; elsewhere nothing is
 * cut. Cells are cleared of control characters, since names come from strangers. @param style colours a cell of a row; it changes no widths
 * @param shorter another form of a cell that is too long for its column, where its end is not what to lose
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns = terminalColumns(),
  style: (text: string, row: number, column: number) => string = (text) => text,
  shorter: (row: number, column: number, width: number) => string | undefined = () => undefined,
): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => plainText(cell)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column] ?? ""))));
  if (columns !== undefined) narrow(widths, columns - 2 * (head.length - 1));
  const lines = cells.map((row, at) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const other = at > 0 && lengthOf(cell) > width ? shorter(at - 1, column, width) : undefined;
        const text = fit(other === undefined ? cell : plainText(other), width);
        // The last column is not padded, so that no line ends in blanks.
        const shown = column === row.length - 1 ? text.trimEnd() : text;
        return at === 0 ? shown : style(shown, at - 1, column);
      })
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

/** A table whose last column is text: on a terminal it goes on below itself, between words where it can, and nothing is cut. */
export function wrapped(head: readonly string[], rows: readonly (readonly string[])[], columns = terminalColumns()): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => plainText(cell)));
  const widths = head.slice(0, -1).map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column] ?? ""))));
  const before = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(wrappedMin, columns - before);
  const lines = cells.flatMap((row) => {
    const start = widths.map((width, column) => `${fit(row[column] ?? "", width)}  `).join("");
    return wordLines(row.at(-1) ?? "", room).map((line, at) => `${at === 0 ? start : " ".repeat(before)}${line}`.trimEnd());
  });
  return lines.join("\n");
}

/** Characters of a wrapped column on a terminal that is too narrow for it. */
const wrappedMin = 20;

/** A text in lines of so many characters; a word that is longer is broken. */
export function wordLines(text: string, characters: number): string[] {
  const lines = [""];
  for (let word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    const joined = line === "" ? word : `${line} ${word}`;
    if (lengthOf(joined) <= characters) {
      lines[lines.length - 1] = joined;
      continue;
    }
    if (line !== "") lines.push("");
    for (; lengthOf(word) > characters; word = [...word].slice(characters).join("")) {
      lines[lines.length - 1] = [...word].slice(0, characters).join("");
      lines.push("");
    }
    lines[lines.length - 1] = word;
  }
  return lines;
}

/** How many of a table's columns stand in a terminal's width at their full width, the first `fixed` among them. */
export function columnsThatFit(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { fixed, columns }: { readonly fixed: number; readonly columns: number },
): number {
  let room = columns;
  for (let column = 0; column < head.length; column += 1) {
    const cells = [head, ...rows].map((row) => lengthOf(plainText(row[column] ?? "")));
    room -= Math.max(...cells) + (column === 0 ? 0 : 2);
    if (room < 0 && column >= fixed) return column;
  }
  return head.length;
}

/** `name  value` lines, aligned. A value of several lines keeps them, each below the first, so that none passes for a name. */
export function pairs(rows: readonly (readonly [string, string | readonly string[]])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => lengthOf(plainText(name))));
  const lines = rows.flatMap(([name, value]) => {
    const [first = "", ...further] = typeof value === "string" ? [plainText(value)] : value;
    return [`${plainText(name).padEnd(width)}  ${first}`, ...further.map((line) => `${" ".repeat(width)}  ${line}`)];
  });
  return lines.map((line) => line.trimEnd()).join("\n");
}

/**
 * Ends the process where standard output takes no more: quietly when its reader has gone, else with words (a full disk). Words to a standard
 * error that nobody reads are dropped.
 */
export function endWithReader(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.good);
    note(`regulus: standard output can't be written: ${error.message}`);
    process.exit(exitCodeOf(RegulusError.from(error).code));
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
