/**
 * The dense layer whose weights react to hyperparameters on the wasm backend: forward, what of its gradient is no product with the layer's inputs,
 * and the gradient by those inputs, each one kernel. ../hyper-dense.ts makes an operation of them.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

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
    const [x, h, own] = [input(inputs, "x"), input(inputs, "h"), input(inputs, "own")];
    const [count = 0, columns = 0] = own.shape;
    const [batch = 0, n = 0] = h.shape;
    const rows = util.sizeFromShape(x.shape) / count;
    const [out, response] = [0, 1].map(() => backend.makeOutput([...x.shape.slice(0, -1), columns], "float32"));
    if (out === undefined || response === undefined) return [];
    const products = { backend, module: kernelModule(backend) };
    multiplyInto(products, x, own, { m: rows, n: columns, k: count }, out);
    multiplyInto(products, x, input(inputs, "response"), { m: rows, n: columns, k: count }, response);
    const by = backend.makeOutput([batch, columns], "float32");
    multiplyInto(products, h, input(inputs, "slopes"), { m: batch, n: columns, k: n }, by);
    const bias = inputs.bias === undefined ? undefined : backend.makeOutput([batch, columns], "float32");
    if (bias !== undefined) {
      multiplyInto(products, h, input(inputs, "biasSlopes"), { m: batch, n: columns, k: n }, bias);
      const at = addressOf(backend, bias);
      const [base, slope] = [addressOf(backend, input(inputs, "bias")), addressOf(backend, input(inputs, "biasResponse"))];
      products.module.bend(base, slope, at, at, batch, columns, 0, 0, 4 * columns);
    }
    const outAt = addressOf(backend, out);
    const tensors = [outAt, addressOf(backend, response), addressOf(backend, by)] as const;
    const biasAt = bias === undefined ? 0 : addressOf(backend, bias);
    products.module.bendPlaces(...tensors, biasAt, outAt, batch, rows / batch, columns, 4 * columns, 4 * columns);
    backend.disposeData(by.dataId);
    if (bias !== undefined) backend.disposeData(bias.dataId);
    return [out, response];
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
    const products = { backend, module: kernelModule(backend) };
    const of = (tensor: TensorInfo): number => addressOf(backend, tensor);
    const [x, h, response] = [input(inputs, "x"), input(inputs, "h"), input(inputs, "response")];
    const [count = 0, columns = 0] = response.shape;
    const [batch = 0, n = 0] = h.shape;
    const rows = util.sizeFromShape(x.shape) / count;
    const [out, places] = [0, 1].map(() => backend.makeOutput([...x.shape.slice(0, -1), columns], "float32"));
    if (out === undefined || places === undefined) return [];
    multiplyInto(products, x, response, { m: rows, n: columns, k: count }, places);
    const by = backend.makeOutput([batch, columns], "float32");
    multiplyInto(products, h, input(inputs, "slopes"), { m: batch, n: columns, k: n }, by);
    const bias = inputs.biasSlopes === undefined ? undefined : backend.makeOutput([batch, columns], "float32");
    if (bias !== undefined) {
      multiplyInto(products, h, input(inputs, "biasSlopes"), { m: batch, n: columns, k: n }, bias);
      const biasResponse = of(input(inputs, "biasResponse"));
      products.module.bendPlaces(0, of(bias), biasResponse, 0, of(bias), 1, batch, columns, 0, 4 * columns);
    }
    const base = inputs.base === undefined ? 0 : of(input(inputs, "base"));
    const tensors = [base, of(places), of(by), bias === undefined ? 0 : of(bias), of(out)] as const;
    products.module.bendPlaces(...tensors, batch, rows / batch, columns, 4 * columns, 4 * columns);
    backend.disposeData(by.dataId);
    if (bias !== undefined) backend.disposeData(bias.dataId);
    return [out, places];
  },
};

export const hyperTangentUnbiasedKernel: KernelConfig = { ...hyperTangentKernel, kernelName: HYPER_TANGENT_UNBIASED };

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
  { backend, module }: { backend: BackendWasm; module: ReturnType<typeof kernelModule> },
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
