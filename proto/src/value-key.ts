/**
 * The identity of a parameter's value, as a key of maps and sets: numbers, texts and booleans are their own keys; null and lists, which
 * are never the same object twice once they came over the wire, are keyed by what they hold.
 */

/** The key of a value. Equal keys, equal values. */
export function valueKey(value: unknown): unknown {
  return typeof value === "object" ? `\u0000${JSON.stringify(value)}` : value;
}

/** Whether two values of a parameter are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && valueKey(a) === valueKey(b));
}
