/**
 * Solutions of a range of samples, as they lie in a checkpoint: float64 numbers with all of their bits, in the place of twice as many float32
 * values that nobody reads as such.
 */
import { assert } from "@regulus/proto";
import type { WarmStart } from "../../solvers/respond.js";
import type { NamedTensor } from "../../training/state/checkpoint.js";

/** Lengths of x and of q (0 for none) of each sample, in order. */
export type Lengths = readonly (readonly [number, number])[];

export function lengthsOf(starts: readonly WarmStart[]): Lengths {
  return starts.map(({ x, q }) => [x.length, q?.length ?? 0]);
}

/** All x and q, end to end. */
export function joined(starts: readonly WarmStart[]): Float64Array {
  const parts = starts.flatMap(({ x, q }) => (q === undefined ? [x] : [x, q]));
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The starts again. */
export function parted(all: Float64Array, lengths: Lengths): WarmStart[] {
  let at = 0;
  const next = (length: number): Float64Array => {
    at += length;
    return all.slice(at - length, at);
  };
  const starts = lengths.map(([x, q]): WarmStart => (q === 0 ? { x: next(x) } : { x: next(x), q: next(q) }));
  assert(at === all.length, `the solutions hold ${all.length} numbers, and their lengths say ${at}`);
  return starts;
}

export function doubles(name: string, values: Float64Array): NamedTensor {
  const floats = new Float32Array(values.buffer, values.byteOffset, 2 * values.length);
  return { name, shape: [floats.length], values: floats };
}

/** The doubles of that name; none where there are none. */
export function doublesOf(tensors: readonly NamedTensor[], name: string): Float64Array {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found === undefined) return new Float64Array(0);
  const { buffer, byteOffset, byteLength } = found.values;
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
}
