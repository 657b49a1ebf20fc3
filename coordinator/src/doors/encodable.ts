/**
 * Rows that can always be answered. What a fold made that a message can't hold (a whole number past 2^53, which clients refuse to read) is left out
 * of its row, field by field, so that the row and those beside it still come.
 */

/** The generated part of a message. */
interface Codec<Row> {
  encode(row: Row): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Row;
  fromPartial(fields: Record<string, never>): Row;
}

/** A row without the fields that can't be sent. */
export function encodable<Row extends object>(codec: Codec<Row>, row: Row): Row {
  // Few rows hold such numbers, and most of those are metrics, which may.
  if (!holdsLargeNumber(row) || isReadable(codec, row)) return row;
  let kept = codec.fromPartial({});
  for (const [name, value] of Object.entries(row)) {
    const more = { ...kept, [name]: value };
    if (isReadable(codec, more)) kept = more;
  }
  return kept;
}

/** Whether a row holds a number past 2^53, at any depth; specs were checked when they came. */
function holdsLargeNumber(value: unknown): boolean {
  if (typeof value === "number") return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsLargeNumber);
  for (const [name, field] of Object.entries(value)) if (name !== "spec" && holdsLargeNumber(field)) return true;
  return false;
}

function isReadable<Row>(codec: Codec<Row>, row: Row): boolean {
  try {
    codec.decode(codec.encode(row).finish());
    return true;
  } catch {
    return false;
  }
}
