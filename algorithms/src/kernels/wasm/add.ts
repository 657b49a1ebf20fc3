/**
 * A bias added to every row for the wasm backend (algorithms/assembly/sum.ts): the stock kernel (tfjs 4.22) works out the place of each number anew
 * where shapes differ, at four times the cost. The sums are the same. All else goes to the stock kernel.
 */
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

/** The stock sum of two tensors with that case taken out of it. */
export function quickAdd(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const [x, row] = [input(call.inputs, "a"), input(call.inputs, "b")];
      if (!isRowOf(row, x)) return stock.kernelFunc(call);
      const backend = wasmBackend(call.backend);
      const out = backend.makeOutput(x.shape, "float32");
      const columns = util.sizeFromShape(row.shape);
      const [xAt, rowAt] = [addressOf(backend, x), addressOf(backend, row)];
      kernelModule(backend).addRow(xAt, rowAt, addressOf(backend, out), util.sizeFromShape(x.shape) / columns, columns);
      return out;
    },
  };
}

/** Whether a tensor is one row, [columns] or [1, ..., columns], of a greater one. */
function isRowOf(row: TensorInfo, x: TensorInfo): boolean {
  const columns = row.shape.at(-1) ?? 0;
  return (
    row.dtype === "float32" &&
    x.dtype === "float32" &&
    x.shape.length >= row.shape.length &&
    x.shape.length >= 2 &&
    columns > 1 &&
    x.shape.at(-1) === columns &&
    util.sizeFromShape(row.shape) === columns
  );
}
