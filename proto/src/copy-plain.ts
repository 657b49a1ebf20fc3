/**
 * A deep copy of what a file can hold: maps, lists, texts, numbers, booleans and null, within bounds on depth and size, so that what
 * comes after may change it and need fear neither cycles nor names such as __proto__.
 */
import { isMap } from "./check-values.js";
import { limits } from "./limits.js";
import { show } from "./problem-list.js";
import type { Path, ShapeProblem } from "./schema-issues.js";

/** Values of a file, at all depths. */
const valuesMax = 200_000;
/** Depth of a file: that of options and of what they stand in. */
const depthMax = limits.optionDepthMax + 4;

/** The copy; what is not plain is left out and added to `wrong`. */
export function copyPlain(document: Readonly<Record<string, unknown>>, wrong: ShapeProblem[]): Record<string, unknown> {
  let values = 0;
  const copy = (value: unknown, path: Path): unknown => {
    values += 1;
    if (values === valuesMax + 1) wrong.push({ path, seen: "more values", expected: `at most ${valuesMax} values in a file` });
    if (values > valuesMax) return undefined;
    if (path.length > depthMax) {
      wrong.push({ path, seen: `a depth of ${path.length}`, expected: `values at most ${depthMax} deep` });
      return undefined;
    }
    if (Array.isArray(value)) return value.map((item: unknown, index) => copy(item, [...path, index]) ?? null);
    if (isMap(value)) return copyMap(value, path);
    if (typeof value === "bigint") return copyWhole(value, path);
    if (value === null || value === undefined || ["string", "number", "boolean"].includes(typeof value)) return value;
    wrong.push({ path, seen: show(value), expected: "a text, number, boolean, list or plain map" });
    return undefined;
  };
  /** A reader that keeps large whole numbers gives them as bigints; rounded silently, another value than the file's would be searched. */
  const copyWhole = (value: bigint, path: Path): number | undefined => {
    if (BigInt(Number(value)) === value) return Number(value);
    const expected = "a whole number from -(2^53 - 1) to 2^53 - 1, or a text in quotes: a larger one loses its last digits";
    wrong.push({ path, seen: show(value), expected });
    return undefined;
  };
  const copyMap = (map: Readonly<Record<string, unknown>>, path: Path): Record<string, unknown> => {
    if (Object.hasOwn(map, "__proto__"))
      wrong.push({ path: [...path, "__proto__"], seen: "the name __proto__", expected: "another name" });
    const names = Object.keys(map).filter((name) => name !== "__proto__");
    const entries = names.map((name): [string, unknown] => [name, copy(map[name], [...path, name])]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  };
  return copyMap(document, []);
}
