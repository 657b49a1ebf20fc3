/**
 * The in-memory twin of the event log: the same promises but durability. What was appended outlives a closed log in its
 * `MemoryLogFile`, so that a test can open it again as after a crash. It keeps bytes, not objects, like the real one.
 */
import { RegulusError } from "@regulus/proto";
import type { Append, EventLog, ReadOptions } from "../ports.js";
import {
  assertBatch,
  conflict,
  decodeFact,
  encodeFact,
  pieceBytesMax,
  pieceFactsMax,
  pieceOf,
  throwIfAborted,
  trialOf,
} from "./records.js";

interface Row {
  readonly bytes: Uint8Array;
  readonly trial: number | undefined;
}

/** What a file is to the real log: it outlives the log that was opened on it. */
export class MemoryLogFile {
  readonly rows = new Map<string, Row[]>();
  /** Whether a log has it open; a second one is refused. */
  locked = false;
}

/** Opens a log in memory. Fails with "failed-precondition" while another one has the same file open. */
export function openMemoryLog(file: MemoryLogFile = new MemoryLogFile()): EventLog {
  if (file.locked) {
    throw new RegulusError("failed-precondition", "the log is in use: it is open already; close it first");
  }
  file.locked = true;
  return new MemoryLog(file);
}

class MemoryLog implements EventLog {
  readonly #file: MemoryLogFile;
  #open = true;

  constructor(file: MemoryLogFile) {
    this.#file = file;
  }

  async append(batch: readonly Append[]): Promise<void> {
    this.#assertOpen();
    assertBatch(batch);
    for (const { searchId, expected } of batch) {
      const newest = this.#file.rows.get(searchId)?.length ?? 0;
      if (newest !== expected) throw conflict(searchId, expected, newest);
    }
    for (const { searchId, facts } of batch) {
      const rows = this.#file.rows.get(searchId) ?? [];
      for (const fact of facts) rows.push({ bytes: encodeFact(fact), trial: trialOf(fact) });
      this.#file.rows.set(searchId, rows);
    }
  }

  async *read(searchId: string, after: number, options: ReadOptions = {}) {
    this.#assertOpen();
    const rows = this.#file.rows.get(searchId) ?? [];
    const end = rows.length;
    let position = after;
    while (position < end) {
      throwIfAborted(options.signal);
      const next = wantedRows(rows, { after: position, end, about: options.about });
      const piece = pieceOf(
        next.map(([row]) => row.bytes.byteLength),
        options.bytesMax ?? pieceBytesMax,
      );
      if (piece.facts === 0) break;
      if (options.room !== undefined) await options.room(piece.bytes);
      throwIfAborted(options.signal);
      const taken = next.slice(0, piece.facts);
      position = taken.at(-1)?.[1] ?? end;
      yield taken.map(([row, at]) => decodeFact(row.bytes, searchId, at));
    }
    throwIfAborted(options.signal);
  }

  async searches(): Promise<readonly string[]> {
    this.#assertOpen();
    return [...this.#file.rows.keys()];
  }

  async remove(searchId: string): Promise<void> {
    this.#assertOpen();
    this.#file.rows.delete(searchId);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#file.locked = false;
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", "the log is closed");
  }
}

/** The next rows that a read wants, each with its position; at most as many as a piece may hold. */
function wantedRows(
  rows: readonly Row[],
  { after, end, about }: { readonly after: number; readonly end: number; readonly about: ReadOptions["about"] },
): [Row, number][] {
  const wanted: [Row, number][] = [];
  for (let position = after + 1; position <= end && wanted.length < pieceFactsMax; position += 1) {
    const row = rows[position - 1];
    if (row === undefined) break;
    if (about === undefined || (about === "search" ? row.trial === undefined : row.trial === about.trial))
      wanted.push([row, position]);
  }
  return wanted;
}
