/**
 * Checks of single values that several parts of a search share: names, whole numbers, labels, options. Each adds what it finds to a
 * problem list and answers whether the value was good. Values come from the wire or from hostile code, so that nothing is taken on trust.
 */
import { counted } from "./counted.js";
import { limits } from "./limits.js";
import type { ProblemList } from "./problem-list.js";

/** A letter, then letters, digits, '.', '_' or '-'. */
export const namePattern = /^[A-Za-z][A-Za-z0-9._-]*$/;
/** What a name must be, in words. */
export const nameWords = `a letter, then letters, digits, '.', '_' or '-', at most ${limits.nameCharactersMax} characters`;

/** A name of a parameter, metric, strategy ... */
export function checkName(problems: ProblemList, field: string, name: unknown): name is string {
  const good = typeof name === "string" && name.length <= limits.nameCharactersMax && namePattern.test(name);
  if (!good) problems.add(field, name === "" ? undefined : name, nameWords);
  return good;
}

/** Free text in one line: a search's name, a label's value. */
export function checkLine(problems: ProblemList, field: string, text: unknown, least: 0 | 1): text is string {
  const good =
    typeof text === "string" &&
    text.length >= least &&
    text.length <= limits.nameCharactersMax &&
    !/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(text) &&
    // Something to see, where there has to be something.
    (least === 0 || /[^\p{Z}\p{Cf}]/u.test(text));
  if (!good) {
    const seen = least === 1 ? "characters in one line, some of them visible" : "characters in one line";
    problems.add(field, text === "" ? undefined : text, `${least} to ${limits.nameCharactersMax} ${seen}`);
  }
  return good;
}

/** A whole number in a range. */
export function checkCount(
  problems: ProblemList,
  field: string,
  value: unknown,
  range: { readonly least: number; readonly greatest: number },
): value is number {
  const good = typeof value === "number" && Number.isSafeInteger(value) && value >= range.least && value <= range.greatest;
  if (!good) problems.add(field, value, `a whole number from ${groups(range.least)} to ${groups(range.greatest)}`);
  return good;
}

/** Pairs of a name and a line of text: labels. */
export function checkLabels(problems: ProblemList, field: string, labels: unknown): void {
  const entries = Object.entries(typeof labels === "object" && labels !== null ? labels : {});
  if (entries.length > limits.labelsMax) problems.addText(field, counted(entries.length, "label"), `at most ${limits.labelsMax}`);
  for (const [key, value] of entries.slice(0, limits.labelsMax)) {
    checkLine(problems, `${field}.${key}`, key, 1);
    if (key === "__proto__") problems.addText(field, "the name __proto__", "another name");
    checkLine(problems, `${field}.${key}`, value, 0);
  }
}

/** Options: maps, lists, texts, finite numbers, booleans and nulls, within bounds on depth and size. */
export function checkOptions(problems: ProblemList, field: string, options: unknown): void {
  if (options === undefined) return;
  if (!isPlainMap(options)) {
    problems.add(field, options, "a map of options without the name __proto__");
    return;
  }
  const left = { values: limits.optionValuesMax };
  checkOption(problems, field, options, 0, left);
  if (left.values < 0) problems.addText(field, "more values", `at most ${groups(limits.optionValuesMax)} values at all depths`);
}

/** Whether a value is an object with names of its own only. A decoded name __proto__ shows as a foreign prototype. */
export function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return isMap(value) && !Object.hasOwn(value, "__proto__");
}

/** Whether a value is an object that is no instance of a class; a name of its own may still be __proto__. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** 12345678 as "12,345,678". */
export function groups(number: number): string {
  return number.toLocaleString("en-US");
}

function checkOption(problems: ProblemList, field: string, value: unknown, depth: number, left: { values: number }): void {
  left.values -= 1;
  if (left.values < 0) return;
  if (depth > limits.optionDepthMax) {
    problems.addText(field, `a depth of ${depth}`, `options at most ${limits.optionDepthMax} deep`);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left.values >= 0; i += 1)
      checkOption(problems, `${field}[${i}]`, value[i], depth + 1, left);
  } else if (isPlainMap(value)) {
    for (const name of Object.keys(value)) {
      if (left.values < 0) break;
      if (name.length > limits.nameCharactersMax)
        problems.add(field, name, `names of at most ${limits.nameCharactersMax} characters`);
      else checkOption(problems, `${field}.${name}`, value[name], depth + 1, left);
    }
  } else if (typeof value === "string") {
    if (value.length > limits.textCharactersMax) problems.add(field, value, `at most ${limits.textCharactersMax} characters`);
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) problems.add(field, value, "a finite number");
  } else if (typeof value !== "boolean" && value !== null) {
    problems.add(field, value, "a text, number, boolean, list or map");
  }
}

/** A list, or an empty one with a problem where something else stands. */
export function listAt<T>(problems: ProblemList, field: string, list: readonly T[]): readonly T[] {
  if (Array.isArray(list)) return list;
  if (list !== undefined && list !== null) problems.add(field, list, "a list");
  return [];
}
