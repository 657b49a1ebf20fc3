/**
 * base + slope * by for the wasm backend in one pass, and its gradients in another (algorithms/assembly/bend.ts). ../bend.ts makes an operation
 * of them.
 */
import { assert } from "@regulus/proto";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const BEND = "RegulusBend";
export const BEND_GRADIENT = "RegulusBendGradient";

/** base, slope, by, each of one shape or one row of it, to the shape of the largest. */
export const bendKernel: KernelConfig = {
  kernelName: BEND,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [base, slope, by] = [input(inputs, "base"), input(inputs, "slope"), input(inputs, "by")];
    const largest = [base, slope, by].reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    const size = sizesOf(largest);
    const out = backend.makeOutput(largest.shape, "float32");
    const [baseAt, slopeAt, byAt] = [addressOf(backend, base), addressOf(backend, slope), addressOf(backend, by)];
    const steps = [stepOf(base, size), stepOf(slope, size), stepOf(by, size)] as const;
    kernelModule(backend).bend(baseAt, slopeAt, byAt, addressOf(backend, out), size.rows, size.columns, ...steps);
    return out;
  },
};

/** Gradients by slope and by `by`, each of its input's shape, from dy, slope and by. */
export const bendGradientKernel: KernelConfig = {
  kernelName: BEND_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, slope, by] = [input(inputs, "dy"), input(inputs, "slope"), input(inputs, "by")];
    const size = sizesOf(dy);
    const outs = [backend.makeOutput(slope.shape, "float32"), backend.makeOutput(by.shape, "float32")] as const;
    const [slopeStep, byStep] = [stepOf(slope, size), stepOf(by, size)];
    kernelModule(backend).bendGradient(
      ...([addressOf(backend, dy), addressOf(backend, slope), addressOf(backend, by)] as const),
      ...([addressOf(backend, outs[0]), addressOf(backend, outs[1]), size.rows, size.columns] as const),
      ...([slopeStep, byStep, slopeStep, byStep] as const),
    );
    return [...outs];
  },
};

interface Sizes {
  readonly rows: number;
  readonly columns: number;
}

function sizesOf(x: TensorInfo): Sizes {
  const columns = x.shape[x.shape.length - 1] ?? 1;
  return { rows: sizeOf(x) / columns, columns };
}

/** Bytes from one row to the next. */
function stepOf(x: TensorInfo, { rows, columns }: Sizes): number {
  const size = sizeOf(x);
  assert(size === rows * columns || size === columns, `[${x.shape}] is ${rows} rows of ${columns}, or one such row`);
  return size === rows * columns ? 4 * columns : 0;
}

function sizeOf(x: TensorInfo): number {
  return util.sizeFromShape(x.shape);
}
