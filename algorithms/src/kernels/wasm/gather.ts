/**
 * Rows by index for the wasm backend (algorithms/assembly/gather.ts): the forward of an embedding. The stock kernel (tfjs 4.22) copies element
 * by element through strides, some 50 times slower. Other types than float32 and batched gathers go to the stock kernel.
 */
import { RegulusError } from "@regulus/proto";
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

/** The stock gather's config with the common case taken out of it. */
export function quickGather(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { inputs, attrs = {} } = call;
      const [x, indices] = [input(inputs, "x"), input(inputs, "indices")];
      const axis = typeof attrs.axis === "number" ? attrs.axis : 0;
      const batchDims = typeof attrs.batchDims === "number" ? attrs.batchDims : 0;
      if (x.dtype !== "float32" || indices.dtype !== "int32" || batchDims !== 0) return stock.kernelFunc(call);
      const backend = wasmBackend(call.backend);
      const along = axis < 0 ? axis + x.shape.length : axis;
      const [before, length, after] = [x.shape.slice(0, along), x.shape[along] ?? 1, x.shape.slice(along + 1)];
      const out = backend.makeOutput([...before, ...indices.shape, ...after], "float32");
      const [xAt, idsAt, outAt] = [addressOf(backend, x), addressOf(backend, indices), addressOf(backend, out)];
      const [outer, inner, count] = [util.sizeFromShape(before), util.sizeFromShape(after), util.sizeFromShape(indices.shape)];
      const bad = kernelModule(backend).gather(xAt, idsAt, outAt, outer, length, inner, count);
      if (bad < 0) return out;
      backend.disposeData(out.dataId);
      const seen = backend.readSync(indices.dataId, bad, bad + 1)[0];
      throw new RegulusError("invalid-argument", `gather: saw index ${seen} at position ${bad}, expected 0 to ${length - 1}`);
    },
  };
}
