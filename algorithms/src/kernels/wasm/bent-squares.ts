/**
 * Half the squared norm of base + slope * by for the wasm backend, without forming it, and its gradients in one pass
 * (algorithms/assembly/bend.ts). ../bent-squares.ts makes an operation of them.
 */
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const BENT_SQUARES = "RegulusBentSquares";
export const BENT_SQUARES_GRADIENT = "RegulusBentSquaresGradient";

/** base and slope [..., columns], by [columns], to a scalar. */
export const bentSquaresKernel: KernelConfig = {
  kernelName: BENT_SQUARES,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [base, slope, by] = [input(inputs, "base"), input(inputs, "slope"), input(inputs, "by")];
    const out = backend.makeOutput([], "float32");
    const tensors = [addressOf(backend, base), addressOf(backend, slope), addressOf(backend, by)] as const;
    const norm = kernelModule(backend).bentSquares(...tensors, ...sizeOf(slope, by));
    backend.typedArrayFromHeap(out)[0] = norm;
    return out;
  },
};

/** From dy, a scalar: gradients by base, slope and by. */
export const bentSquaresGradientKernel: KernelConfig = {
  kernelName: BENT_SQUARES_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, base, slope, by] = [input(inputs, "dy"), input(inputs, "base"), input(inputs, "slope"), input(inputs, "by")];
    const outs = [base, slope, by].map(({ shape }) => backend.makeOutput(shape, "float32"));
    const [outBase = 0, outSlope = 0, outBy = 0] = outs.map((out) => addressOf(backend, out));
    kernelModule(backend).bentSquaresGradient(
      ...([addressOf(backend, dy), addressOf(backend, base), addressOf(backend, slope), addressOf(backend, by)] as const),
      ...([outBase, outSlope, outBy] as const),
      ...sizeOf(slope, by),
    );
    return outs;
  },
};

function sizeOf({ shape }: TensorInfo, by: TensorInfo): readonly [rows: number, columns: number] {
  const columns = util.sizeFromShape(by.shape);
  return [util.sizeFromShape(shape) / columns, columns];
}
