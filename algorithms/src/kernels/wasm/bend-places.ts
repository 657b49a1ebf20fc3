/**
 * base + slope * by + bias on the wasm backend, where by and bias are an example's for all its places, in one pass forward and one back
 * (algorithms/assembly/bend.ts); and the dense layer made of it. ../bend-places.ts and ../hyper-dense.ts make operations of them.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const BEND_PLACES = "RegulusBendPlaces";
export const BEND_HALVES = "RegulusBendHalves";
export const BEND_PLACES_GRADIENT = "RegulusBendPlacesGradient";
export const BEND_HALVES_GRADIENT = "RegulusBendHalvesGradient";
export const HYPER_DENSE = "RegulusHyperDense";
export const HYPER_DENSE_UNBIASED = "RegulusHyperDenseUnbiased";

/** slope [batch, ..., columns], by [batch, columns]; base like slope and bias like by, if there are any. Like slope. */
export const bendPlacesKernel: KernelConfig = {
  kernelName: BEND_PLACES,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [slope, by] = [input(inputs, "slope"), input(inputs, "by")];
    const { batch, places, columns } = sizesOf(slope.shape, by.shape);
    const at = (name: string): number => (inputs[name] === undefined ? 0 : addressOf(backend, input(inputs, name)));
    const out = backend.makeOutput(slope.shape, "float32");
    const tensors = [at("base"), at("slope"), at("by"), at("bias"), addressOf(backend, out)] as const;
    kernelModule(backend).bendPlaces(...tensors, batch, places, columns, 4 * columns, 4 * columns);
    return out;
  },
};

/** both [batch, ..., base's columns and slope's], by and bias [batch, columns]; [batch, ..., columns]. */
export const bendHalvesKernel: KernelConfig = {
  kernelName: BEND_HALVES,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [both, by, bias] = [input(inputs, "both"), input(inputs, "by"), input(inputs, "bias")];
    const { batch, places, columns } = sizesOf(both.shape, by.shape);
    const out = backend.makeOutput([...both.shape.slice(0, -1), columns], "float32");
    const base = addressOf(backend, both);
    const tensors = [
      base,
      base + 4 * columns,
      addressOf(backend, by),
      addressOf(backend, bias),
      addressOf(backend, out),
    ] as const;
    kernelModule(backend).bendPlaces(...tensors, batch, places, columns, 8 * columns, 8 * columns);
    return out;
  },
};

/** From dy, slope and by: gradients by slope, by and bias. */
export const bendPlacesGradientKernel: KernelConfig = {
  kernelName: BEND_PLACES_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, slope, by] = [input(inputs, "dy"), input(inputs, "slope"), input(inputs, "by")];
    const { batch, places, columns } = sizesOf(slope.shape, by.shape);
    const outs = [slope.shape, by.shape, by.shape].map((shape) => backend.makeOutput(shape, "float32"));
    const [outSlope = 0, outBy = 0, outBias = 0] = outs.map((out) => addressOf(backend, out));
    const given3 = [addressOf(backend, dy), addressOf(backend, slope), addressOf(backend, by)] as const;
    const rows = [4 * columns, 4 * columns, 4 * columns] as const;
    kernelModule(backend).bendPlacesGradient(...given3, 0, outSlope, outBy, outBias, batch, places, columns, ...rows);
    return outs;
  },
};

/** From dy, both and by: gradients by both, by and bias. */
export const bendHalvesGradientKernel: KernelConfig = {
  kernelName: BEND_HALVES_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, both, by] = [input(inputs, "dy"), input(inputs, "both"), input(inputs, "by")];
    const { batch, places, columns } = sizesOf(both.shape, by.shape);
    const outs = [both.shape, by.shape, by.shape].map((shape) => backend.makeOutput(shape, "float32"));
    const [outBoth = 0, outBy = 0, outBias = 0] = outs.map((out) => addressOf(backend, out));
    const given3 = [addressOf(backend, dy), addressOf(backend, both) + 4 * columns, addressOf(backend, by)] as const;
    const [half, row] = [4 * columns, 8 * columns];
    const module = kernelModule(backend);
    module.bendPlacesGradient(...given3, outBoth, outBoth + half, outBy, outBias, batch, places, columns, row, row, row);
    return outs;
  },
};

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

function multiplyInto(
  { backend, module }: { backend: BackendWasm; module: ReturnType<typeof kernelModule> },
  a: TensorInfo,
  b: TensorInfo,
  { m, n, k }: { m: number; n: number; k: number },
  out: TensorInfo,
): void {
  const operands = [addressOf(backend, a), k, 0, addressOf(backend, b), n, 0] as const;
  module.gemm(m, n, k, ...operands, addressOf(backend, out), n, 0, module.scratch);
}

function sizesOf(shape: readonly number[], by: readonly number[]): { batch: number; places: number; columns: number } {
  const [batch = 0, columns = 0] = by;
  const row = shape[shape.length - 1] ?? 1;
  return { batch, places: util.sizeFromShape([...shape]) / (batch * row), columns };
}
