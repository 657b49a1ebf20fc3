/**
 * Half the squared norm of base + slope * by, by = (first row of h) V, for the wasm backend, without forming it, and its gradients in one pass
 * (algorithms/assembly/bend.ts). ../bent-squares.ts makes an operation of them.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { multiplyInto } from "./hyper-dense.js";
import { type KernelModule, kernelModule } from "./module.js";

export const BENT_SQUARES = "RegulusBentSquares";
export const BENT_SQUARES_GRADIENT = "RegulusBentSquaresGradient";

/** base and slope [..., columns], h [batch, n], slopes [n, columns], to a scalar. */
export const bentSquaresKernel: KernelConfig = {
  kernelName: BENT_SQUARES,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const { module, rows, columns, by, tensors } = operands(backend, inputs);
    const out = backend.makeOutput([], "float32");
    backend.typedArrayFromHeap(out)[0] = module.bentSquares(...tensors, rows, columns);
    backend.disposeData(by.dataId);
    return out;
  },
};

/** From dy, a scalar, and the same: gradients by base, slope, by [1, columns] and slopes. */
export const bentSquaresGradientKernel: KernelConfig = {
  kernelName: BENT_SQUARES_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const { module, rows, columns, by, tensors } = operands(backend, inputs);
    const [base, slope, slopes] = [input(inputs, "base"), input(inputs, "slope"), input(inputs, "slopes")];
    const made = [base.shape, slope.shape, by.shape].map((shape) => backend.makeOutput(shape, "float32"));
    const [outBase = 0, outSlope = 0, outBy = 0] = made.map((out) => addressOf(backend, out));
    module.bentSquaresGradient(addressOf(backend, input(inputs, "dy")), ...tensors, outBase, outSlope, outBy, rows, columns);
    const bySlopes = backend.makeOutput(slopes.shape, "float32");
    const size = { m: slopes.shape[0] ?? 0, n: columns, k: 1 };
    for (const byBy of made.slice(2))
      multiplyInto({ backend, module }, input(inputs, "h"), byBy, size, bySlopes, { transposeA: true });
    backend.disposeData(by.dataId);
    return [...made, bySlopes];
  },
};

interface Operands {
  readonly module: KernelModule;
  readonly rows: number;
  readonly columns: number;
  /** Made here: the caller disposes it. */
  readonly by: TensorInfo;
  readonly tensors: readonly [base: number, slope: number, by: number];
}

/** With multipliers made of h's first row, where it begins. */
function operands(backend: BackendWasm, inputs: NamedTensorInfoMap): Operands {
  const module = kernelModule(backend);
  const [base, slope, slopes] = [input(inputs, "base"), input(inputs, "slope"), input(inputs, "slopes")];
  const [n = 0, columns = 0] = slopes.shape;
  const by = backend.makeOutput([1, columns], "float32");
  multiplyInto({ backend, module }, input(inputs, "h"), slopes, { m: 1, n: columns, k: n }, by);
  const tensors = [addressOf(backend, base), addressOf(backend, slope), addressOf(backend, by)] as const;
  return { module, rows: util.sizeFromShape(slope.shape) / columns, columns, by, tensors };
}
