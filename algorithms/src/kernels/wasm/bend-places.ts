/**
 * base + slope * by + bias on the wasm backend, where by and bias are an example's for all its places, in one pass forward and one back
 * (algorithms/assembly/bend.ts). ../bend-places.ts makes operations of them.
 */
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const BEND_PLACES = "RegulusBendPlaces";
export const BEND_HALVES = "RegulusBendHalves";
export const BEND_PLACES_GRADIENT = "RegulusBendPlacesGradient";
export const BEND_HALVES_GRADIENT = "RegulusBendHalvesGradient";

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

function sizesOf(shape: readonly number[], by: readonly number[]): { batch: number; places: number; columns: number } {
  const [batch = 0, columns = 0] = by;
  const row = shape[shape.length - 1] ?? 1;
  return { batch, places: util.sizeFromShape([...shape]) / (batch * row), columns };
}
