/**
 * The bytes of a checkpoint: everything a session needs to go on exactly. A fixed prefix (magic, version, header length), a JSON header
 * (procedure, step, seed, host-side state, tensors' names and shapes), then the tensors' float32 values, little-endian, in header order.
 * JSON keeps every finite double exactly; numbers that are not finite have no place in a checkpoint. Pure: no tfjs, no files.
 */
import { assert, counted, RegulusError } from "@regulus/proto";
import { z } from "zod";

/** A checkpoint with a higher version was written by a newer Regulus. */
export const checkpointVersion = 1;
const magic = 0x4b434752; // "RGCK"
const prefixBytes = 12;
/** Bytes of a header; far above any honest one, so that a damaged length cannot make us allocate. */
const headerBytesMax = 16 * 1024 * 1024;

/** float32 values with a name and a shape. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Checkpoint {
  /** The procedure that wrote it; no other one can read it. */
  readonly procedure: string;
  /** Steps done. */
  readonly step: number;
  /** Seed of the trial that wrote it. */
  readonly seed: number;
  /** What the procedure keeps on the host: JSON, with finite numbers. */
  readonly state: unknown;
  readonly tensors: readonly NamedTensor[];
}

const headerSchema = z.strictObject({
  procedure: z.string(),
  step: z.int().min(0),
  seed: z.int().min(0),
  state: z.unknown(),
  tensors: z.array(z.strictObject({ name: z.string(), shape: z.array(z.int().min(0)) })),
});

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { procedure, step, seed, state } = checkpoint;
  const tensors = checkpoint.tensors.map(({ name, shape }) => ({ name, shape }));
  const header = new TextEncoder().encode(JSON.stringify({ procedure, step, seed, state, tensors }, refuseNotFinite));
  const floats = checkpoint.tensors.reduce((sum, { values }) => sum + values.length, 0);
  const bytes = new Uint8Array(prefixBytes + header.length + 4 * floats);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, checkpointVersion, true);
  view.setUint32(8, header.length, true);
  bytes.set(header, prefixBytes);
  let at = prefixBytes + header.length;
  for (const { name, shape, values } of checkpoint.tensors) {
    assert(values.length === sizeOf(shape), `${name} of shape [${shape.join(", ")}] has ${values.length} values`);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

/**
 * Throws RegulusError: data-loss for bytes that are no whole checkpoint, failed-precondition for a newer version or another procedure's.
 * @param procedure who reads it.
 */
export function decodeCheckpoint(bytes: Uint8Array, procedure: string): Checkpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < prefixBytes || view.getUint32(0, true) !== magic) {
    throw damaged(`${counted(bytes.length, "byte")} that do not begin like a checkpoint`);
  }
  const version = view.getUint32(4, true);
  if (version > checkpointVersion) {
    const words = `the checkpoint has version ${version}, and this agent reads up to ${checkpointVersion}: update the agent`;
    throw new RegulusError("failed-precondition", words);
  }
  const headerBytes = view.getUint32(8, true);
  if (headerBytes > headerBytesMax || prefixBytes + headerBytes > bytes.length) {
    throw damaged(`${counted(bytes.length, "byte")} with a header of ${headerBytes}`);
  }
  const header = parseHeader(bytes.subarray(prefixBytes, prefixBytes + headerBytes));
  if (header.procedure !== procedure) {
    throw new RegulusError(
      "failed-precondition",
      `saw a checkpoint of the procedure ${header.procedure}, expected one of ${procedure}`,
    );
  }
  const expected = prefixBytes + headerBytes + 4 * header.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (bytes.length !== expected) throw damaged(`${counted(bytes.length, "byte")} where its header tells of ${expected}`);
  // A copy of its own: values lie at any offset, and a Float32Array needs one that is a multiple of 4. Not `slice`, which copies nothing of a Buffer.
  const floats = new Float32Array(new Uint8Array(bytes.subarray(prefixBytes + headerBytes)).buffer);
  let at = 0;
  const tensors = header.tensors.map(({ name, shape }) => {
    const values = floats.subarray(at, at + sizeOf(shape));
    at += values.length;
    return { name, shape, values };
  });
  return { ...header, tensors };
}

function parseHeader(bytes: Uint8Array): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw damaged("a header that cannot be read", cause);
  }
}

function damaged(seen: string, cause?: unknown): RegulusError {
  return new RegulusError("data-loss", `saw ${seen}, expected a whole checkpoint: start the trial without it`, { cause });
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function refuseNotFinite(key: string, value: unknown): unknown {
  assert(
    typeof value !== "number" || Number.isFinite(value),
    `${key} is ${String(value)}, and a checkpoint holds finite numbers only`,
  );
  return value;
}
