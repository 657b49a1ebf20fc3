/**
 * The witness of a log: a small file beside it that says how far each search was acknowledged. SQLite ends its write-ahead log at the first bad
 * frame and takes a lost file for an empty one; what was acknowledged then is missing without a word. So each append writes the heads that it
 * moved here too, durably and before anybody hears of it, and a start compares.
 *
 * A journal of records, each with its own checksum, which covers its place in the file; zeros follow the last one. The newest may be torn by a
 * crash: nobody heard of it. It is written anew, as one record a search, when it has grown.
 */
import { closeSync, fdatasync, fdatasyncSync, fstatSync, fsyncSync, openSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { crc32, damaged, type Head, misplaced, readU32, writeU32 } from "./seal.js";
import { readIfThere, writeAt } from "./whole-file.js";

const datasync = promisify(fdatasync);

/** "RGLH", and the version of this format. */
const magic = 0x484c4752;
const formatVersion = 1;
/** Magic, version, their checksum, and four bytes of nothing. */
const headerBytes = 16;
/** Length and checksum of a record. */
const recordHeaderBytes = 8;
/** The file is lengthened by this, in zeros: a write within its length need not make a new length durable. */
const growBytes = 128 * 1024;
/** Length at which it is written anew. Read at each start, in about 3 ms. */
const bytesMax = 1024 * 1024;

/** A search as the witness knows it. */
export interface WitnessedSearch extends Head {
  readonly key: number;
  readonly id: string;
}

/** A change: a head that moved, or a search that is being removed. */
type Entry = WitnessedSearch | { readonly removed: number };

/** What a file of a witness says. */
export interface Testimony {
  readonly searches: ReadonlyMap<number, WitnessedSearch>;
  /** Highest key that a search ever had. */
  readonly keyMax: number;
  /** Length of the records. */
  readonly end: number;
  /** Whether it was cut or overwritten: it always has a first record, and zeros after the last one. */
  readonly isCut?: boolean;
}

/** Reads a witness. Undefined where there is none. Fails with "data-loss" where it is damaged. */
export function readWitness(path: string): Testimony | undefined {
  const bytes = readIfThere(path);
  return bytes && testimonyOf(bytes, path);
}

/** An open witness. */
export class Witness {
  readonly #path: string;
  readonly #searches: Map<number, WitnessedSearch>;
  #keyMax: number;
  #file: number;
  #end: number;
  #length: number;
  /** Whether the last write came to its end. */
  #isWhole = true;

  /** Opens one that says what `testimony` says, which is written anew. */
  constructor(path: string, testimony: Pick<Testimony, "searches" | "keyMax">) {
    this.#path = path;
    this.#searches = new Map(testimony.searches);
    this.#keyMax = testimony.keyMax;
    ({ file: this.#file, end: this.#end, length: this.#length } = this.#writeAnew());
  }

  /** Highest key that a search ever had: no later search gets it again. */
  get keyMax(): number {
    return this.#keyMax;
  }

  /** Testifies to heads; durable when it returns. */
  moved(searches: readonly WitnessedSearch[]): void {
    this.#append(searches);
  }

  /**
   * The same, durable when it resolves: this process goes on while the disk works, which takes as long as the transaction did. Nothing else may be asked
   * of the witness until then.
   */
  async movedMeanwhile(searches: readonly WitnessedSearch[]): Promise<void> {
    const end = this.#write(searches);
    if (end === undefined) return;
    await datasync(this.#file);
    this.#wrote(searches, end);
  }

  /** Testifies that a search may be missing from now on; durable when it returns. */
  removing(key: number): void {
    this.#append([{ removed: key }]);
  }

  /** Fails with "unavailable" where its file is gone or another one: the next start would find nothing of what it says. */
  assertInPlace(): void {
    // Where writing it anew came to no end the file may be the new one already; it is written again.
    if (!this.#isWhole) return;
    const own = fstatSync(this.#file);
    const seen = statSync(this.#path, { throwIfNoEntry: false });
    if (seen?.dev !== own.dev || seen.ino !== own.ino) throw misplaced(this.#path, seen === undefined);
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(entries: readonly Entry[]): void {
    const end = this.#write(entries);
    if (end === undefined) return;
    fdatasyncSync(this.#file);
    this.#wrote(entries, end);
  }

  /** Writes a record, which has to be synced then. Answers where it ends, or nothing where all was written anew, durably. */
  #write(entries: readonly Entry[]): number | undefined {
    const payload = encode(
      entries.map((entry) => ("removed" in entry || !this.#searches.has(entry.key) ? entry : { ...entry, id: "" })),
    );
    const record = recordAt(this.#end, payload);
    const end = this.#end + record.length;
    if (!this.#isWhole || end > bytesMax) {
      this.#apply(entries);
      this.#replace();
      return undefined;
    }
    const isLonger = end > this.#length;
    // Half a record would spoil what follows it: after a failure the file is written anew.
    this.#isWhole = false;
    writeAt(this.#file, isLonger ? Buffer.concat([record, new Uint8Array(growBytes)]) : record, this.#end);
    if (isLonger) this.#length = end + growBytes;
    return end;
  }

  /** What was written up to `end` is on the disk. */
  #wrote(entries: readonly Entry[], end: number): void {
    this.#isWhole = true;
    this.#end = end;
    this.#apply(entries);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) this.#keyMax = apply(this.#searches, entry, this.#keyMax);
  }

  #replace(): void {
    const before = this.#file;
    this.#isWhole = false;
    ({ file: this.#file, end: this.#end, length: this.#length } = this.#writeAnew());
    this.#isWhole = true;
    closeSync(before);
  }

  /** All that is known, in a new file that takes the old one's place once it is durable. */
  #writeAnew(): { readonly file: number; readonly end: number; readonly length: number } {
    const parts = [header()];
    let end = headerBytes;
    // The highest key outlives its search.
    const entries: Entry[] = [{ removed: this.#keyMax }, ...this.#searches.values()];
    for (let at = 0; at < entries.length; at += 64) {
      const record = recordAt(end, encode(entries.slice(at, at + 64)));
      parts.push(record);
      end += record.length;
    }
    parts.push(new Uint8Array(growBytes));
    const scratch = `${this.#path}.new`;
    const file = openSync(scratch, "w+", 0o600);
    try {
      writeAt(file, Buffer.concat(parts), 0);
      fsyncSync(file);
      renameSync(scratch, this.#path);
      syncFolder(dirname(this.#path));
    } catch (thrown) {
      closeSync(file);
      throw thrown;
    }
    return { file, end, length: end + growBytes };
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function testimonyOf(bytes: Uint8Array, path: string): Testimony {
  const isWhole = bytes.length >= headerBytes && readU32(bytes, 0) === magic && readU32(bytes, 8) === crc32(bytes.subarray(0, 8));
  if (!isWhole || readU32(bytes, 4) !== formatVersion) throw damaged(`${path} does not begin as it must`);
  const searches = new Map<number, WitnessedSearch>();
  let keyMax = 0;
  let end = headerBytes;
  for (let next = recordEnd(bytes, end); next !== undefined; next = recordEnd(bytes, end)) {
    for (const entry of decode(bytes.subarray(end + recordHeaderBytes, next))) keyMax = apply(searches, entry, keyMax);
    end = next;
  }
  assertTornAtMost(bytes, end, path);
  const isCut = end === headerBytes || end + recordHeaderBytes + lengthAt(bytes, end) > bytes.length;
  return { searches, keyMax, end, ...(isCut ? { isCut } : {}) };
}

/** Where the whole record that begins at a place ends; undefined where none begins there. */
function recordEnd(bytes: Uint8Array, at: number): number | undefined {
  const length = lengthAt(bytes, at);
  const end = at + recordHeaderBytes + length;
  if (length === 0 || end > bytes.length) return undefined;
  return readU32(bytes, at + 4) === sumAt(at, bytes.subarray(at + recordHeaderBytes, end)) ? end : undefined;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return at + recordHeaderBytes > bytes.length ? 0 : readU32(bytes, at);
}

/**
 * What follows the last whole record is nothing, or one record that a crash tore: zeros follow where it would have ended, and no whole record
 * stands in it, as where a damaged length makes a record swallow those after it.
 */
function assertTornAtMost(bytes: Uint8Array, end: number, path: string): void {
  const length = lengthAt(bytes, end);
  const from = length === 0 ? end : Math.min(bytes.length, end + recordHeaderBytes + length);
  let isDamaged = bytes.subarray(from).some((byte) => byte !== 0);
  for (let at = end + 1; at < from && !isDamaged; at += 1) isDamaged = recordEnd(bytes, at) !== undefined;
  if (isDamaged) throw damaged(`${path} is damaged after its byte ${end}`);
}

function apply(searches: Map<number, WitnessedSearch>, entry: Entry, keyMax: number): number {
  if ("removed" in entry) {
    searches.delete(entry.removed);
    return Math.max(keyMax, entry.removed);
  }
  searches.set(entry.key, { ...entry, id: entry.id || (searches.get(entry.key)?.id ?? "") });
  return Math.max(keyMax, entry.key);
}

/** Key and position as doubles, the chain, and the id where it is told for the first time. A removal has position -1. */
function encode(entries: readonly Entry[]): Uint8Array {
  return Buffer.concat(
    entries.map((entry) => {
      const id = "removed" in entry ? Buffer.alloc(0) : Buffer.from(entry.id);
      const bytes = Buffer.alloc(22 + id.length);
      bytes.writeDoubleLE("removed" in entry ? entry.removed : entry.key, 0);
      bytes.writeDoubleLE("removed" in entry ? -1 : entry.position, 8);
      bytes.writeUInt32LE("removed" in entry ? 0 : entry.chain, 16);
      bytes.writeUInt16LE(id.length, 20);
      bytes.set(id, 22);
      return bytes;
    }),
  );
}

function* decode(payload: Uint8Array): Generator<Entry> {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  for (let at = 0; at < bytes.length; ) {
    const [key, position, chain] = [bytes.readDoubleLE(at), bytes.readDoubleLE(at + 8), bytes.readUInt32LE(at + 16)];
    const end = at + 22 + bytes.readUInt16LE(at + 20);
    yield position < 0 ? { removed: key } : { key, id: bytes.toString("utf8", at + 22, end), position, chain };
    at = end;
  }
}

function header(): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  writeU32(bytes, 0, magic);
  writeU32(bytes, 4, formatVersion);
  writeU32(bytes, 8, crc32(bytes.subarray(0, 8)));
  return bytes;
}

function recordAt(at: number, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(recordHeaderBytes + payload.length);
  writeU32(record, 0, payload.length);
  writeU32(record, 4, sumAt(at, payload));
  record.set(payload, recordHeaderBytes);
  return record;
}

/** A record elsewhere than where it was written is not whole. */
function sumAt(at: number, payload: Uint8Array): number {
  return (crc32(payload) ^ Math.imul(at + payload.length, 0x9e3779b1)) >>> 0;
}
