/**
 * Collects what is wrong with a request, all of it, with bounds: how many problems, and how long each one's words. Also shows values of
 * any kind in a few words.
 */
import { counted } from "./counted.js";
import type { Problem } from "./gen/regulus/v1/problem.js";
import { limits } from "./limits.js";

/** Characters of a shown value. */
const shownCharactersMax = 80;

/** Problems so far. Past `limits.problemsMax` they are counted only. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  #left = 0;

  /** `seen` is shown as `show` does; use `addText` for words. */
  add(field: string, seen: unknown, expected: string): void {
    this.addText(field, show(seen), expected);
  }

  addText(field: string, seen: string, expected: string): void {
    if (this.#problems.length >= limits.problemsMax) this.#left += 1;
    else this.#problems.push({ field: cutText(field, limits.fieldPathCharactersMax), seen, expected });
  }

  /** All of them; the last one counts those that had no room. */
  all(): Problem[] {
    if (this.#left === 0) return [...this.#problems];
    const seen = counted(this.#left, "more problem");
    return [...this.#problems, { field: "(further)", seen, expected: "that these are fixed first" }];
  }
}

/** A value in a few words: `"abc"`, `NaN`, `nothing`, `a list of 3`. Never throws, whatever the value. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(cutText(value, shownCharactersMax));
    case "number":
    case "boolean":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return cutText(String(value), shownCharactersMax);
    case "undefined":
      return "nothing";
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
      return showObject(value);
  }
}

/** A text with an ellipsis where it was longer; never half a surrogate pair. */
export function cutText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const cut = text.slice(0, charactersMax - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

function showObject(value: object): string {
  const names = Object.keys(value);
  if (names.length === 0) return "an empty map";
  const some = names.slice(0, 3).map((name) => cutText(name, 24));
  return `a map with ${some.join(", ")}${names.length > some.length ? " …" : ""}`;
}
