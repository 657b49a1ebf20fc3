/**
 * Reading the log for those outside: in small pieces, each counted in its reader's room before it is loaded, one piece a turn of the event
 * loop. Who waits for room holds nothing that only its own reading on would give back: else readers could wait for each other for ever.
 */
import { type Fact, limits } from "@regulus/proto";
import type { Reader } from "../../coordinator.js";
import type { EventLog, ReadOptions } from "../../ports.js";

/** Facts that the answer about one trial holds. */
const newestFactsMax = 10_000;
/** And their encoded bytes, a piece more or less: one answer holds 3 MiB of them. */
const newestBytesMax = 3 * 1024 * 1024;

/** Facts that were read together. */
export interface Piece {
  readonly facts: readonly Fact[];
  /** Their encoded bytes, which the reader's room counts until they are given back or have gone out. */
  readonly bytes: number;
}

/** What is read. */
export interface Reading {
  readonly searchId: string;
  /** Only facts after this position; 0 where absent. */
  readonly after?: number;
  readonly about?: ReadOptions["about"];
}

/** Pieces that the reader keeps until they have gone out. */
export async function* readPieces(log: EventLog, reading: Reading, { signal, room }: Reader = {}): AsyncGenerator<Piece> {
  let bytes = 0;
  const { searchId, after = 0, about } = reading;
  const options: ReadOptions = {
    bytesMax: limits.readerPieceBytesMax,
    room: async (next) => {
      bytes = next;
      await room?.take(next);
      await room?.turn();
    },
    ...(about === undefined ? {} : { about }),
    ...(signal === undefined ? {} : { signal }),
  };
  // The first look into the log has its turn too: a thousand readers may come at once.
  await room?.turn();
  for await (const facts of log.read(searchId, after, options)) yield { facts, bytes };
}

/** A reader that keeps one piece at a time: the one before is given back when the next one is asked for. */
export function keepsOnePiece(reader: Reader): { readonly reader: Reader; readonly giveBack: () => void } {
  const { room } = reader;
  if (room === undefined) return { reader, giveBack: () => undefined };
  let kept = 0;
  const giveBack = (): void => {
    room.give(kept);
    kept = 0;
  };
  const take = async (bytes: number): Promise<void> => {
    giveBack();
    await room.take(bytes);
    kept = bytes;
  };
  return { reader: { ...reader, room: { ...room, take } }, giveBack };
}

/** Facts of which the reader keeps nothing. */
export async function* readThrough(log: EventLog, reading: Reading, reader: Reader = {}): AsyncGenerator<readonly Fact[]> {
  const keeping = keepsOnePiece(reader);
  for await (const { facts } of readPieces(log, reading, keeping.reader)) yield facts;
  keeping.giveBack();
}

/** The newest facts that one answer may hold, in order. Their room is taken as a whole. */
export async function newestFacts(log: EventLog, reading: Reading, reader: Reader = {}): Promise<Fact[]> {
  const { room } = reader;
  await room?.take(newestBytesMax + limits.messageBytesMax);
  const pieces: Piece[] = [];
  let [facts, bytes] = [0, 0];
  const inside = room === undefined ? reader : { ...reader, room: { ...room, take: async () => undefined } };
  for await (const piece of readPieces(log, reading, inside)) {
    pieces.push(piece);
    facts += piece.facts.length;
    bytes += piece.bytes;
    for (let oldest = pieces[0]; oldest !== undefined && oldest !== piece; oldest = pieces[0]) {
      if (facts - oldest.facts.length < newestFactsMax && bytes - oldest.bytes < newestBytesMax) break;
      pieces.shift();
      facts -= oldest.facts.length;
      bytes -= oldest.bytes;
    }
  }
  return pieces.flatMap((piece) => piece.facts).slice(-newestFactsMax);
}
