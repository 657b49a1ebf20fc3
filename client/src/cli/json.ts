/** Messages as JSON for programs: a oneof `{ $case: "double", value }` becomes `{ double: value }`, and not finite numbers become texts. */

/** One line of JSON. Zeros and empty texts stay, so that a reader finds every field. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, plain, indent);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "object" && value !== null && "$case" in value && "value" in value && Object.keys(value).length === 2) {
    return { [String(value.$case)]: value.value };
  }
  return value;
}
