/**
 * The file that a checkpoint travels in: four letters, a length, a small JSON header with what the agent itself must know on the next
 * machine (steps, seconds trained so far, procedure), then the procedure's own bytes. A file that is cut short or foreign is refused.
 */
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { RegulusError } from "@regulus/proto";
import { z } from "zod";

const magic = "RGC1";
const prefixBytes = 8;
/** Longest header in bytes: one is about 100. */
const headerBytesMax = 64 * 1024;

const headerShape = z.object({
  /** Steps that the checkpoint holds. */
  step: z.number().int().nonnegative(),
  /** Seconds trained so far, over all attempts. */
  seconds: z.number().nonnegative(),
  /** The procedure that wrote it; another one can't read its bytes. */
  procedure: z.string(),
});

export type CheckpointHeader = z.infer<typeof headerShape>;

/** The bytes before the procedure's own. */
export function encodeHeader(header: CheckpointHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header), "utf8");
  const prefix = Buffer.alloc(prefixBytes);
  prefix.write(magic, 0, "latin1");
  prefix.writeUInt32LE(json.length, 4);
  return Buffer.concat([prefix, json]);
}

export async function writeCheckpoint(path: string, header: CheckpointHeader, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, Buffer.concat([encodeHeader(header), bytes]));
  } catch (error) {
    // Half a checkpoint would keep the room that others need.
    await rm(path, { force: true });
    throw error;
  }
}

/** The header of a checkpoint file and where the procedure's bytes begin. Fails with "data-loss" where it is not a whole checkpoint. */
export async function readHeader(path: string): Promise<{ header: CheckpointHeader; payloadAt: number }> {
  const file = await open(path, "r");
  try {
    const prefix = Buffer.alloc(prefixBytes);
    const { bytesRead } = await file.read(prefix, 0, prefixBytes, 0);
    const length = bytesRead === prefixBytes ? prefix.readUInt32LE(4) : 0;
    if (prefix.toString("latin1", 0, 4) !== magic || length === 0 || length > headerBytesMax) throw damaged(path, "no header");
    const json = Buffer.alloc(length);
    const read = await file.read(json, 0, length, prefixBytes);
    if (read.bytesRead !== length) throw damaged(path, "half a header");
    return { header: parseHeader(path, json.toString("utf8")), payloadAt: prefixBytes + length };
  } finally {
    await file.close();
  }
}

/** A whole checkpoint. */
export async function readCheckpoint(path: string): Promise<{ header: CheckpointHeader; bytes: Uint8Array }> {
  const { header, payloadAt } = await readHeader(path);
  const all = await readFile(path);
  return { header, bytes: new Uint8Array(all.buffer, all.byteOffset + payloadAt, all.length - payloadAt) };
}

/** Refuses a checkpoint that another procedure wrote. */
export function checkProcedure(header: CheckpointHeader, procedure: string): void {
  if (header.procedure === procedure) return;
  const words = `the checkpoint was written by procedure ${header.procedure}, expected ${procedure}`;
  throw new RegulusError("invalid-argument", `${words}: resume a trial with the procedure that saved it`);
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
