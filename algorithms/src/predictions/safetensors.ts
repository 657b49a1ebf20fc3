/**
 * The container of predictions: safetensors, which most frameworks read and which takes ten lines in any language. Eight bytes with the length of
 * the header (little endian), a header in JSON with the type, shape and place of each tensor, then the numbers, little endian.
 * Source: huggingface/safetensors, README, "Format".
 */
import { counted, RegulusError } from "@regulus/proto";
import { z } from "zod";
import type { ByteSource } from "./byte-source.js";

const prefixBytes = 8;
/** Bytes of a header; one of ours is about 300. */
const headerBytesMax = 1024 * 1024;
/** Tensors begin at a multiple of this after a header of ours. */
const alignBytes = 8;

/** Bytes of one number, by type. */
const typeBytes = { F16: 2, F32: 4, I32: 4, I64: 8 } as const;
export type TensorType = keyof typeof typeBytes;

const count = z.int().min(0);
const entrySchema = z.object({ dtype: z.string(), shape: z.array(count), data_offsets: z.tuple([count, count]) });
const metadataSchema = z.record(z.string(), z.string());

/** A tensor to be written. */
export interface WrittenTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Its numbers, little endian. */
  readonly bytes: Uint8Array;
}

/** A tensor of a file. */
export interface PlacedTensor {
  readonly type: string;
  readonly shape: readonly number[];
  /** Where its numbers begin in the file. */
  readonly at: number;
  readonly length: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
}

/** A whole file. Equal contents give equal bytes. */
export function encodeSafetensors(
  metadata: Readonly<Record<string, string>>,
  tensors: Readonly<Record<string, WrittenTensor>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let length = 0;
  for (const [name, { type, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype: type, shape, data_offsets: [length, length + bytes.length] };
    length += bytes.length;
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / alignBytes) * alignBytes));
  const file = new Uint8Array(prefixBytes + text.length + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, prefixBytes);
  let at = prefixBytes + text.length;
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** The header of a file. Fails with "data-loss" where it is none, or where the file is shorter than it tells. */
export async function readSafetensors(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.size < prefixBytes) throw damaged(counted(source.size, "byte"));
  const length = Number(view(await source.read(0, prefixBytes)).getBigUint64(0, true));
  if (length > headerBytesMax || prefixBytes + length > source.size) {
    throw damaged(`${counted(source.size, "byte")} with a header of ${length}`);
  }
  const { __metadata__: metadata = {}, ...entries } = parsed(await source.read(prefixBytes, length));
  const tensors = new Map<string, PlacedTensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype: type, shape, data_offsets: offsets } = checked(entrySchema, entry);
    const [from, to] = offsets;
    const at = prefixBytes + length + from;
    const wanted = (typeBytes[knownType(type) ?? "F32"] ?? 0) * shape.reduce((product, size) => product * size, 1);
    if (to < from || prefixBytes + length + to > source.size)
      throw damaged(`${counted(source.size, "byte")}, fewer than its header tells of`);
    if (knownType(type) !== undefined && to - from !== wanted) {
      throw damaged(`a tensor ${name} of shape [${shape.join(", ")}] in ${counted(to - from, "byte")}`);
    }
    tensors.set(name, { type, shape, at, length: to - from });
  }
  return { metadata: checked(metadataSchema, metadata), tensors };
}

/** Bytes of one number of a type; undefined for a type that we do not read. */
export function bytesOf(type: string): number | undefined {
  const known = knownType(type);
  return known && typeBytes[known];
}

function knownType(type: string): TensorType | undefined {
  return type === "F16" || type === "F32" || type === "I32" || type === "I64" ? type : undefined;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw damaged("a header that can't be read", cause);
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (data === undefined) throw damaged("a header that can't be read", error);
  return data;
}

function damaged(seen: string, cause?: unknown): RegulusError {
  return new RegulusError("data-loss", `saw ${seen}, expected a whole file of predictions (safetensors)`, { cause });
}
