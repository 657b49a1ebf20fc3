/** Lines that may have been meant as measurements and are none, counted for the words about a program that measures nothing. */
import { cutText } from "@regulus/proto";
import type { NearMiss } from "./measurement-lines.js";

/** Near misses of one kind after which a program that has measured nothing is told, once. */
const tellAt = 3;

/** Characters of the first line that are shown. */
const shownMax = 120;

const missWords: Readonly<Record<NearMiss, readonly [one: string, many: string]>> = {
  "no step": ['line is a JSON object without "step"', 'lines are JSON objects without "step"'],
  "no JSON": ["line has a step in braces and is not only JSON", "lines have a step in braces and are not only JSON"],
};

export class NearMisses {
  readonly #seen = new Map<NearMiss, { count: number; readonly first: string }>();
  #isTold = false;

  /** Counts a line. Answers true once: when there are so many that they are worth a word. */
  add(miss: NearMiss, line: string): boolean {
    const known = this.#seen.get(miss) ?? { count: 0, first: cutText(line.trim(), shownMax).replace(/\p{C}/gu, "?") };
    known.count += 1;
    this.#seen.set(miss, known);
    if (this.#isTold || known.count < tellAt) return false;
    this.#isTold = true;
    return true;
  }

  /** Empty for none. */
  words(): string {
    if (this.#seen.size === 0) return "";
    const parts = [...this.#seen].map(
      ([miss, { count, first }]) => `${count} ${missWords[miss][count === 1 ? 0 : 1]}; the first: ${first}`,
    );
    return parts.join("; ");
  }
}
