/** Messages as JSON for programs: a oneof `{ $case: "double", value }` becomes `{ double: value }`, and not finite numbers become texts. */

/** One line of JSON. Zeros and empty texts stay, so that a reader finds every field. */
export function toJson(value: unknown, indent?: number): string {
  // JSON escapes the older control characters by itself. The newer ones move a terminal's cursor too, and direction marks mislead.
  return JSON.stringify(value, plain, indent).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "object" && value !== null && "$case" in value && "value" in value && Object.keys(value).length === 2) {
    return { [String(value.$case)]: value.value };
  }
  return value;
}
