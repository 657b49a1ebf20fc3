/**
 * Sums of rows by segment for the wasm backend: the gradient of gather, and so of an embedding. Stock tfjs 4.22 has none for wasm; cpu's
 * passes over all rows once for every segment.
 */
import { assert } from "@regulus/proto";
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

/** x [rows, ...inner] and segmentIds [rows] to [numSegments, ...inner]; rows with an id outside are left out. */
export const unsortedSegmentSum: KernelConfig = {
  kernelName: "UnsortedSegmentSum",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs = {} }) => {
    const backend = wasmBackend(given);
    const [x, segmentIds] = [input(inputs, "x"), input(inputs, "segmentIds")];
    const { numSegments } = attrs;
    assert(typeof numSegments === "number", "UnsortedSegmentSum is told the number of segments");
    assert(
      x.dtype === "float32" && segmentIds.dtype === "int32",
      `sums of float32 by int32, not ${x.dtype} by ${segmentIds.dtype}`,
    );
    const inner = x.shape.slice(segmentIds.shape.length);
    const rows = product(segmentIds.shape);
    const out = backend.makeOutput([numSegments, ...inner], "float32");
    const [xAt, idsAt, outAt] = [addressOf(backend, x), addressOf(backend, segmentIds), addressOf(backend, out)];
    kernelModule(backend).segmentSum(xAt, idsAt, outAt, rows, product(inner), numSegments);
    return out;
  },
};

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1);
}
