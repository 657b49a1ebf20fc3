/**
 * The file that a checkpoint travels in: a plain tar. Its first entry is a small JSON header with what the agent itself must know on the next
 * machine (steps, seconds trained so far, procedure); a model's bytes or a program's own files follow. A file that is cut short or foreign is
 * refused. Files of the format before (four letters, a length, the header, the bytes) are still read.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { counted, RegulusError } from "@regulus/proto";
import { Header } from "tar";
import { z } from "zod";

/** Folder inside a checkpoint that is Regulus's own; a program's files of this name are not packed. */
export const ownFolder = ".regulus";
const headerPath = `${ownFolder}/checkpoint.json`;
/** Entry that holds a model's bytes. */
const modelPath = "checkpoint.bin";
const blockBytes = 512;
/** Zero bytes that end a tar. */
const endBytes = 2 * blockBytes;
/** Longest header in bytes: one is about 150. */
const headerBytesMax = 64 * 1024;
/** The format before. */
const formerMagic = "RGC1";
const formerPrefixBytes = 8;

const headerShape = z.object({
  /** Steps that the checkpoint holds. */
  step: z.number().int().nonnegative(),
  /** Seconds trained so far, over all attempts. */
  seconds: z.number().nonnegative(),
  /** The procedure that wrote it; another one can't read its bytes. */
  procedure: z.string(),
  /** Files, links and folders after the header, so that a tar cut between two of them is seen; absent in the format before. */
  entries: z.number().int().nonnegative().optional(),
});

export type CheckpointHeader = z.infer<typeof headerShape>;

/** The header as the first entry of a tar. */
export function encodeHeader(header: CheckpointHeader): Buffer {
  return entry(headerPath, Buffer.from(`${JSON.stringify(header)}\n`, "utf8"));
}

/** Writes a model's bytes as a checkpoint. Answers the sum of the file. */
export async function writeCheckpoint(path: string, header: CheckpointHeader, bytes: Uint8Array): Promise<string> {
  const parts = [encodeHeader({ ...header, entries: 1 }), entry(modelPath, bytes), Buffer.alloc(endBytes)];
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  try {
    await writeFile(path, parts);
    return hash.digest("hex");
  } catch (error) {
    // Half a checkpoint would keep the room that others need.
    await rm(path, { force: true });
    throw error;
  }
}

/** The header of a checkpoint file and where its payload begins. Fails with "data-loss" where it does not begin like a checkpoint. */
export async function readHeader(path: string): Promise<{ header: CheckpointHeader; payloadAt: number }> {
  const file = await open(path, "r");
  try {
    const begin = Buffer.alloc(blockBytes);
    const { bytesRead } = await file.read(begin, 0, blockBytes, 0);
    const { jsonAt, length, payloadAt } = headerPlace(path, begin.subarray(0, bytesRead));
    const json = Buffer.alloc(length);
    const read = await file.read(json, 0, length, jsonAt);
    if (read.bytesRead !== length) throw damaged(path, "half a header");
    return { header: parseHeader(path, json.toString("utf8")), payloadAt };
  } finally {
    await file.close();
  }
}

/** A model's whole checkpoint. */
export async function readCheckpoint(path: string): Promise<{ header: CheckpointHeader; bytes: Uint8Array }> {
  const { header, payloadAt } = await readHeader(path);
  const all = await readFile(path);
  if (header.entries === undefined) return { header, bytes: all.subarray(payloadAt) };
  const { path: name, size, cksumValid } = new Header(blockOf(all, payloadAt));
  const from = payloadAt + blockBytes;
  if (!cksumValid || name !== modelPath || size === undefined) throw damaged(path, `no entry ${modelPath}`);
  const wholeBytes = from + padded(size) + endBytes;
  if (all.length !== wholeBytes) throw damaged(path, `${counted(all.length, "byte")} where its header tells of ${wholeBytes}`);
  return { header, bytes: all.subarray(from, from + size) };
}

/** Refuses a checkpoint that another procedure wrote. */
export function checkProcedure(header: CheckpointHeader, procedure: string): void {
  if (header.procedure === procedure) return;
  const words = `the checkpoint was written by procedure ${header.procedure}, expected ${procedure}`;
  throw new RegulusError("invalid-argument", `${words}: resume a trial with the procedure that saved it`);
}

function headerPlace(path: string, begin: Buffer): { jsonAt: number; length: number; payloadAt: number } {
  if (begin.toString("latin1", 0, formerMagic.length) === formerMagic && begin.length >= formerPrefixBytes) {
    const length = begin.readUInt32LE(4);
    if (length === 0 || length > headerBytesMax) throw damaged(path, "no header");
    return { jsonAt: formerPrefixBytes, length, payloadAt: formerPrefixBytes + length };
  }
  const { cksumValid, path: name, size: length = 0 } = new Header(blockOf(begin, 0));
  if (!cksumValid || name !== headerPath || length === 0 || length > headerBytesMax) throw damaged(path, "no header");
  return { jsonAt: blockBytes, length, payloadAt: blockBytes + padded(length) };
}

/** A file as an entry of a tar, without time and owner, so that equal contents give equal bytes. */
function entry(path: string, bytes: Uint8Array): Buffer {
  const whole = Buffer.alloc(blockBytes + padded(bytes.length));
  new Header({ path, type: "File", mode: 0o644, size: bytes.length }).encode(whole, 0);
  whole.set(bytes, blockBytes);
  return whole;
}

/** 512 bytes from a place on; zeros where there are fewer, which is no header. */
function blockOf(bytes: Buffer, at: number): Buffer {
  return Buffer.concat([bytes.subarray(at, at + blockBytes)], blockBytes);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

function parseHeader(path: string, json: string): CheckpointHeader {
  try {
    return headerShape.parse(JSON.parse(json));
  } catch (error) {
    throw damaged(path, "a header that can't be read", error);
  }
}

function damaged(path: string, seen: string, cause?: unknown): RegulusError {
  return new RegulusError("data-loss", `${path} is no whole checkpoint: saw ${seen}, expected one that Regulus wrote`, { cause });
}
