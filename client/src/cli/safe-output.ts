/**
 * Makes a program's output safe for a terminal: escape sequences and control characters are taken out, so that nothing in it moves the
 * cursor, changes colours or titles, or answers for the user. Lines, tabs and the text itself stay.
 */

import { withoutSequences } from "../display/escape-sequences.js";

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
/** Control characters but tab and newline; marks that change the direction of text. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
/** A sequence that has begun at the end of a text and may go on in the next one. */
const unfinished = /(?:\u001b|\u009b|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u009c\n]*$/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above.

/** Characters of an unfinished sequence that are waited for; a longer one is no sequence. */
const unfinishedMax = 256;

/** A whole text without escape sequences and control characters. A line that a progress bar wrote over and over shows its last state. */
export function safeOutput(text: string): string {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  return lines.map((line) => safeLine(lastState(line))).join("\n");
}

/** The same for a text that is no program's output: nothing of its lines is lost, and a carriage return ends one. */
export function safeText(text: string): string {
  return safeLine(text.replaceAll("\r\n", "\n").replaceAll("\r", "\n"));
}

/** What stands in a line after its carriage returns. */
function lastState(line: string): string {
  return line.split("\r").findLast((part) => part !== "") ?? "";
}

function safeLine(line: string): string {
  return withoutSequences(line).replace(controls, "");
}

/** The same for a text that comes in pieces: half a character or half a sequence at the end of one waits for the next. */
export class SafeOutputStream {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** What of a piece can be shown now. */
  add(bytes: Uint8Array): string {
    return this.#take(this.#rest + this.#decoder.decode(bytes, { stream: true }));
  }

  /** What is left at the end. */
  end(): string {
    const text = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return safeOutput(text);
  }

  #take(text: string): string {
    // A line is shown once it is whole, as progress bars write theirs over and over; a long one is shown as it comes.
    const end = text.lastIndexOf("\n") + 1;
    let ready = text.slice(0, end);
    this.#rest = text.slice(end);
    if (this.#rest.length > longLine) {
      const open = unfinished.exec(this.#rest);
      const cut = open !== null && this.#rest.length - open.index <= unfinishedMax ? open.index : this.#rest.length;
      ready += this.#rest.slice(0, cut);
      this.#rest = this.#rest.slice(cut);
    }
    return safeOutput(ready);
  }
}

/** Characters of a line that has not ended; past it a part of it is shown. */
const longLine = 8192;
