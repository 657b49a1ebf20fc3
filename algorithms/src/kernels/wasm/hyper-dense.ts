/**
 * The dense layer whose weights react to hyperparameters on the wasm backend: forward, what of its gradient is no product with the layer's inputs,
 * and the gradient by those inputs, each one kernel. ../hyper-dense.ts makes an operation of them.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { type KernelModule, kernelModule } from "./module.js";

export const HYPER_DENSE = "RegulusHyperDense";
export const HYPER_DENSE_UNBIASED = "RegulusHyperDenseUnbiased";
export const HYPER_DENSE_GRADIENT = "RegulusHyperDenseGradient";
export const HYPER_DENSE_INPUT_GRADIENT = "RegulusHyperDenseInputGradient";
export const HYPER_TANGENT = "RegulusHyperTangent";
export const HYPER_TANGENT_UNBIASED = "RegulusHyperTangentUnbiased";

/**
 * x [batch, ..., in], h [batch, n], kernel and its response [in, out], slopes [n, out], and all of a bias or none of it: x W + (h V) * (x W') +
 * b + (h C) * b', and beside it x W', which gradients need.
 */
export const hyperDenseKernel: KernelConfig = {
  kernelName: HYPER_DENSE,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const layer = reactingLayer(backend, inputs);
    const { module, out, size, batch, rowBytes, shift } = layer;
    multiplyInto(layer, input(inputs, "x"), input(inputs, "own"), size, out);
    if (shift !== undefined) {
      const at = addressOf(backend, shift);
      const [base, slope] = [addressOf(backend, input(inputs, "bias")), addressOf(backend, input(inputs, "biasResponse"))];
      module.bend(base, slope, at, at, batch, size.n, 0, 0, rowBytes);
    }
    return bentBy(layer, out);
  },
};

/** The same of a layer without bias: tfjs knows what a gradient saves by a kernel's name. */
export const hyperDenseUnbiasedKernel: KernelConfig = { ...hyperDenseKernel, kernelName: HYPER_DENSE_UNBIASED };

/**
 * How the dense layer moves with hyperparameters, from x, h, response and slopes, base [batch, ..., out] if there is one, and biasResponse and
 * biasSlopes or neither: base + (h V) * (x W') + (h C) * b', and beside it x W'.
 */
export const hyperTangentKernel: KernelConfig = {
  kernelName: HYPER_TANGENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const layer = reactingLayer(backend, inputs);
    const { module, size, batch, rowBytes, shift } = layer;
    if (shift !== undefined) {
      const at = addressOf(backend, shift);
      const biasResponse = addressOf(backend, input(inputs, "biasResponse"));
      module.bendPlaces(0, at, biasResponse, 0, at, 1, batch, size.n, 0, rowBytes);
    }
    return bentBy(layer, inputs.base === undefined ? undefined : input(inputs, "base"));
  },
};

export const hyperTangentUnbiasedKernel: KernelConfig = { ...hyperTangentKernel, kernelName: HYPER_TANGENT_UNBIASED };

/** What a layer and its tangent begin with. */
interface ReactingLayer {
  readonly backend: BackendWasm;
  readonly module: KernelModule;
  /** Sizes of the product of x with a kernel. */
  readonly size: { readonly m: number; readonly n: number; readonly k: number };
  readonly batch: number;
  /** [batch, ..., out], to be filled. */
  readonly out: TensorInfo;
  /** x W', of the same shape. */
  readonly places: TensorInfo;
  /** h V [batch, out]. */
  readonly by: TensorInfo;
  readonly rowBytes: number;
  /** h C [batch, out], to be made the shift of each example; undefined of a layer without bias. */
  readonly shift: TensorInfo | undefined;
}

function reactingLayer(backend: BackendWasm, inputs: NamedTensorInfoMap): ReactingLayer {
  const module = kernelModule(backend);
  const [x, h, response] = [input(inputs, "x"), input(inputs, "h"), input(inputs, "response")];
  const [count = 0, columns = 0] = response.shape;
  const [batch = 0, n = 0] = h.shape;
  const size = { m: util.sizeFromShape(x.shape) / count, n: columns, k: count };
  const make = (): TensorInfo => backend.makeOutput([...x.shape.slice(0, -1), columns], "float32");
  const [out, places] = [make(), make()];
  multiplyInto({ backend, module }, x, response, size, places);
  const multipliers = (slopes: TensorInfo): TensorInfo => {
    const product = backend.makeOutput([batch, columns], "float32");
    multiplyInto({ backend, module }, h, slopes, { m: batch, n: columns, k: n }, product);
    return product;
  };
  const by = multipliers(input(inputs, "slopes"));
  const shift = inputs.biasSlopes === undefined ? undefined : multipliers(input(inputs, "biasSlopes"));
  return { backend, module, size, batch, out, places, by, rowBytes: 4 * columns, shift };
}

/** Fills the output with base + by * places + shift, and gives it and the places. */
function bentBy(
  { backend, module, size, batch, out, places, by, rowBytes, shift }: ReactingLayer,
  base: TensorInfo | undefined,
): TensorInfo[] {
  const at = (tensor: TensorInfo | undefined): number => (tensor === undefined ? 0 : addressOf(backend, tensor));
  const tensors = [at(base), at(places), at(by), at(shift), at(out)] as const;
  module.bendPlaces(...tensors, batch, size.m / batch, size.n, rowBytes, rowBytes);
  backend.disposeData(by.dataId);
  if (shift !== undefined) backend.disposeData(shift.dataId);
  return [out, places];
}

/**
 * From dy, h, slopes, places (x W') and of a biased layer biasResponse and biasSlopes: gradients by places, by multipliers and by the bias of each
 * example [batch, columns], and by slopes; of a biased layer then by bias, biasResponse and biasSlopes.
 */
export const hyperDenseGradientKernel: KernelConfig = {
  kernelName: HYPER_DENSE_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const products = { backend, module: kernelModule(backend) };
    const [dy, h, slopes, places] = ["dy", "h", "slopes", "places"].map((name) => input(inputs, name));
    if (dy === undefined || h === undefined || slopes === undefined || places === undefined) return [];
    const [batch = 0, n = 0] = h.shape;
    const columns = slopes.shape[1] ?? 0;
    const rows = util.sizeFromShape(dy.shape) / columns;
    const outs: TensorInfo[] = [];
    const make = (...shape: number[]): TensorInfo => backend.makeOutput(shape, "float32");
    const made = (tensor: TensorInfo): TensorInfo => {
      outs.push(tensor);
      return tensor;
    };
    const byPlaces = made(backend.makeOutput(places.shape, "float32"));
    const [byMultipliers, byBiases, bySlopes] = [
      made(make(batch, columns)),
      made(make(batch, columns)),
      made(make(n, columns)),
    ] as const;
    const scratch = make(batch, columns);
    multiplyInto(products, h, slopes, { m: batch, n: columns, k: n }, scratch);
    const of = (tensor: TensorInfo): number => addressOf(backend, tensor);
    const rowBytes = 4 * columns;
    products.module.bendPlacesGradient(
      ...([of(dy), of(places), of(scratch), 0, of(byPlaces), of(byMultipliers), of(byBiases)] as const),
      ...([batch, rows / batch, columns, rowBytes, rowBytes, rowBytes] as const),
    );
    multiplyInto(products, h, byMultipliers, { m: n, n: columns, k: batch }, bySlopes, { transposeA: true });
    if (inputs.biasSlopes !== undefined) {
      const [byBias, byResponse, byBiasSlopes] = [made(make(columns)), made(make(columns)), made(make(n, columns))] as const;
      products.module.sumRows(of(byBiases), of(byBias), batch, columns);
      multiplyInto(products, h, input(inputs, "biasSlopes"), { m: batch, n: columns, k: n }, scratch);
      // Times the bias's response for each example, and times its multipliers summed over examples.
      const moved = make(batch, columns);
      products.module.bendGradient(
        ...([of(byBiases), of(scratch), of(input(inputs, "biasResponse")), of(moved), of(byResponse)] as const),
        ...([batch, columns, rowBytes, 0, rowBytes, 0] as const),
      );
      multiplyInto(products, h, moved, { m: n, n: columns, k: batch }, byBiasSlopes, { transposeA: true });
      backend.disposeData(moved.dataId);
    }
    backend.disposeData(scratch.dataId);
    return outs;
  },
};

/** From dy and the gradient by places, both of one shape, and the kernels: dy W^T + places W'^T, [..., in]. */
export const hyperDenseInputGradientKernel: KernelConfig = {
  kernelName: HYPER_DENSE_INPUT_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const products = { backend, module: kernelModule(backend) };
    const [dy, own] = [input(inputs, "dy"), input(inputs, "own")];
    const [count = 0, columns = 0] = own.shape;
    const size = { m: util.sizeFromShape(dy.shape) / columns, n: count, k: columns };
    const out = backend.makeOutput([...dy.shape.slice(0, -1), count], "float32");
    multiplyInto(products, dy, own, size, out, { transposeB: true });
    multiplyInto(products, input(inputs, "places"), input(inputs, "response"), size, out, { transposeB: true, accumulate: true });
    return out;
  },
};

/** out = a b for a [m, k] and b [k, n], or their transposes; or added to out. Sizes are the caller's: of a it may be a part at its beginning. */
export function multiplyInto(
  { backend, module }: { backend: BackendWasm; module: KernelModule },
  a: TensorInfo,
  b: TensorInfo,
  { m, n, k }: { m: number; n: number; k: number },
  out: TensorInfo,
  { transposeA = false, transposeB = false, accumulate = false } = {},
): void {
  const [aAt, bAt, outAt] = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
  const operands = [aAt, transposeA ? m : k, Number(transposeA), bAt, transposeB ? k : n, Number(transposeB)] as const;
  module.gemm(m, n, k, ...operands, outAt, n, Number(accumulate), module.scratch);
}
