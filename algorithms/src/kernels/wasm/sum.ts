/**
 * Sums over leading axes and of everything for the wasm backend (algorithms/assembly/sum.ts). The stock kernel (tfjs 4.22) transposes before a
 * sum over leading axes, and both add one number at a time: every bias's gradient and every norm is one. Other sums go to the stock kernel.
 */
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

/** The stock sum's config with those cases taken out of it. */
export function quickSum(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const x = input(call.inputs, "x");
      const { axis, keepDims } = call.attrs ?? {};
      const axes = axesOf(axis, x.shape);
      if (x.dtype !== "float32" || axes === undefined) return stock.kernelFunc(call);
      const backend = wasmBackend(call.backend);
      const shape = keepDims === true ? x.shape.map((length, i) => (i < axes ? 1 : length)) : x.shape.slice(axes);
      const out = backend.makeOutput(shape, "float32");
      const module = kernelModule(backend);
      const [rows, columns] = [util.sizeFromShape(x.shape.slice(0, axes)), util.sizeFromShape(x.shape.slice(axes))];
      const [xAt, outAt] = [addressOf(backend, x), addressOf(backend, out)];
      if (columns === 1) backend.typedArrayFromHeap(out)[0] = module.sumAll(xAt, rows);
      else module.sumRows(xAt, outAt, rows, columns);
      return out;
    },
  };
}

/** How many axes are summed where they are the leading ones, else undefined. */
function axesOf(axis: unknown, shape: readonly number[]): number | undefined {
  if (shape.length === 0) return undefined;
  const given: readonly unknown[] = Array.isArray(axis) ? axis : axis === undefined || axis === null ? [...shape.keys()] : [axis];
  const summed = new Set(given.map((one) => (typeof one === "number" && one < 0 ? one + shape.length : one)));
  if (summed.size === 0) return undefined;
  for (let i = 0; i < summed.size; i++) if (!summed.has(i)) return undefined;
  return summed.size;
}
