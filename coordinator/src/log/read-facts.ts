/** Reading a log in one SQLite file: the facts of a search after a position, in pieces that are bounded in bytes, each checked against the chain. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { counted, type Fact } from "@regulus/proto";
import type { ReadOptions } from "../ports.js";
import { nextPiece, type Place, type Row, rowsAt } from "./fact-rows.js";
import { decodeFact, pieceBytesMax, pieceFactsMax, throwIfAborted } from "./records.js";
import { chainOf, damaged, emptyChain, unseal } from "./seal.js";
import type { SqliteFile } from "./sqlite-file.js";
import type { WitnessedSearch } from "./witness.js";

/** Facts whose sizes a read looks up first; SQLite walks through all bytes of a large one for that. */
const firstRows = 32;

/** What is read from. */
export interface Reading {
  readonly file: SqliteFile;
  /** Where a search ends now; undefined for one that isn't there. */
  headOf(searchId: string): WitnessedSearch | undefined;
  /** Fails where the log was closed. */
  assertOpen(): void;
}

/** The facts of a search after a position, up to where it ends when the read begins. Other work has its turn between two pieces. */
export async function* readFacts(
  { file, headOf, assertOpen }: Reading,
  searchId: string,
  after: number,
  options: ReadOptions,
): AsyncGenerator<readonly Fact[]> {
  const assertWanted = (): void => {
    throwIfAborted(options.signal);
    assertOpen();
  };
  assertWanted();
  const end = headOf(searchId);
  if (end === undefined) return;
  let position = after;
  // The chain is known where all rows are read.
  let chain = after === 0 && options.about === undefined ? emptyChain : undefined;
  let rowsAhead = firstRows;
  while (position < end.position) {
    const place: Place = { key: end.key, after: position, end: end.position, about: options.about };
    const piece = file.guard(() => nextPiece(file, place, options.bytesMax ?? pieceBytesMax, rowsAhead));
    // Where facts are large, few of them fit, and the sizes of few are looked up.
    rowsAhead = Math.min(pieceFactsMax, 2 * piece.facts + 1);
    if (piece.facts === 0) break;
    if (options.room !== undefined) {
      await options.room(piece.bytes);
      assertWanted();
    }
    const rows = file.guard(() => rowsAt(file, place, piece.facts));
    if (rows.length === 0) break;
    const facts = factsOf(rows, searchId, { chain, isWhole: options.about === undefined });
    const last = rows.at(-1);
    position = last?.[0] ?? end.position;
    if (options.about === undefined && last !== undefined) chain = chainOf(last[1]);
    yield facts;
    await nextTurn();
    assertWanted();
  }
  if (options.about !== undefined || after >= end.position) return;
  // A search that was removed meanwhile ends early.
  if (headOf(searchId)?.key !== end.key) return;
  if (position === end.position && (chain === undefined || chain === end.chain)) return;
  throw damaged(`search ${end.id} has ${counted(end.position, "fact")}, those after ${position} are missing`);
}

/** Facts of rows, after a chain where it is known. `isWhole`: no row between them is left out, so that each shows the chain before the next one. */
function factsOf(
  rows: readonly Row[],
  searchId: string,
  before: { chain: number | undefined; isWhole: boolean },
): readonly Fact[] {
  let { chain } = before;
  return rows.map(([at, row]) => {
    const bytes = unseal(row, chain, () => `row ${at} of search ${searchId}`);
    if (before.isWhole) chain = chainOf(row);
    return decodeFact(bytes, searchId, at);
  });
}
