/**
 * Answers that fit: a client with nothing set refuses messages past 4 MiB, so lists and streams are cut into pieces that stay under
 * `answerBytesMax`.
 */
import { RegulusError } from "@regulus/proto";
import { bounds } from "./bounds.js";

/** Encodes a message. */
type Encode<T> = (items: readonly T[]) => Uint8Array;

/** Items in as few encoded messages as their size allows, in order. A single item past the bound goes alone. */
export function* encodedPieces<T>(items: readonly T[], encode: Encode<T>): Generator<Uint8Array> {
  const bytes = encode(items);
  if (bytes.byteLength <= bounds.answerBytesMax || items.length <= 1) {
    yield bytes;
    return;
  }
  const half = Math.ceil(items.length / 2);
  yield* encodedPieces(items.slice(0, half), encode);
  yield* encodedPieces(items.slice(half), encode);
}

/** The newest of the items that fit into one message. */
export function newestFitting<T>(items: readonly T[], size: (item: T) => number): readonly T[] {
  let bytes = 0;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined) break;
    bytes += size(item);
    if (bytes > bounds.answerBytesMax) return items.slice(index + 1);
  }
  return items;
}

/** Asks for a page, and for half of it again until the page fits. */
export function fittingPage<Page>(
  pageSize: number,
  ask: (pageSize: number) => Page,
  encode: (page: Page) => Uint8Array,
): Uint8Array {
  for (let rows = pageSize; rows >= 1; rows = Math.floor(rows / 2)) {
    const bytes = encode(ask(rows));
    if (bytes.byteLength <= bounds.answerBytesMax || rows === 1) return bytes;
  }
  throw new RegulusError("internal", "a page has at least one row");
}
