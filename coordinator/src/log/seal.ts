/**
 * The seal of a row: what makes damage to a fact visible. Eight bytes stand before the fact's bytes: a CRC-32 of those bytes, which a single
 * row is checked by, and the chain, which mixes the sums of the search's rows
 * from the first to this one and shows that none is missing.
 * A CRC finds every error of up to 32 bits in a row and any other but one in four thousand millions. It is no defence against forgery.
 */
import { RegulusError } from "@regulus/proto";

/** Bytes of a seal. */
export const sealBytes = 8;
/** The chain of a search without facts. */
export const emptyChain = 0;

/** Where a search ends: the position of its newest fact and the chain up to there. */
export interface Head {
  readonly position: number;
  readonly chain: number;
}

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  table[byte] = rest;
}

/** CRC-32 of bytes, from one of them to the last. */
export function crc32(bytes: Uint8Array, from = 0): number {
  let crc = -1;
  for (let at = from; at < bytes.length; at += 1) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~crc >>> 0;
}

/** Seals a row that holds a fact after room for the seal. Answers the chain up to it. */
export function seal(row: Uint8Array, chainBefore: number): number {
  const sum = crc32(row, sealBytes);
  const chain = chained(chainBefore, sum);
  writeU32(row, 0, sum);
  writeU32(row, 4, chain);
  return chain;
}

/** The fact's bytes of a row. Fails with "data-loss" where they are not what was sealed. `chainBefore`: absent where it isn't known. */
export function unseal(row: Uint8Array, chainBefore: number | undefined, where: () => string): Uint8Array {
  if (row.length < sealBytes) throw damaged(`${where()} is cut short`);
  const sum = readU32(row, 0);
  if (crc32(row, sealBytes) !== sum) throw damaged(`the checksum of ${where()} does not match`);
  if (chainBefore !== undefined && chained(chainBefore, sum) !== chainOf(row)) {
    throw damaged(`${where()} does not follow the one before it`);
  }
  return row.subarray(sealBytes);
}

/** The chain up to a row. */
export function chainOf(row: Uint8Array): number {
  return readU32(row, 4);
}

/** The error for a log that is not what was written. Who starts the coordinator adds what to do. */
export function damaged(what: string, cause?: unknown): RegulusError {
  return new RegulusError("data-loss", `the log is damaged: ${what}`, { cause });
}

/** One to one in each of both, so that any one changed sum changes every chain after it. */
function chained(chain: number, sum: number): number {
  return (Math.imul(chain ^ 0x9e3779b9, 0x85ebca6b) + sum) >>> 0;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/** The error for a file of a log that is gone or another one while the log is open. */
export function misplaced(path: string, isGone: boolean): RegulusError {
  const what = isGone ? "is gone" : "was replaced";
  const todo = "put the data folder back and start the coordinator again";
  return new RegulusError("unavailable", `${path} ${what} while the coordinator runs; ${todo}`);
}
