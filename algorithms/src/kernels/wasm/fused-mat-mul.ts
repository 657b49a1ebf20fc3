/**
 * The stock fused product with bias and activation, transposed operands moved into place first: it takes the same slow path as the stock
 * matrix product. Only prediction uses it (under a gradient tfjs computes the parts), so it stays the stock kernel.
 */
import { assert } from "@regulus/proto";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { getKernel } from "@tensorflow/tfjs-core";
import { input, wasmBackend } from "./heap.js";

/** The stock product's config with transposes taken out of it. */
export function transposeFirst(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: ({ inputs, backend: given, attrs = {} }) => {
      const backend = wasmBackend(given);
      const moved: TensorInfo[] = [];
      const inPlace = (name: string, flag: unknown): TensorInfo => {
        const tensor = input(inputs, name);
        if (flag !== true || tensor.dtype !== "float32") return tensor;
        const out = swapLastAxes(tensor, backend);
        moved.push(out);
        return out;
      };
      const a = inPlace("a", attrs.transposeA);
      const b = inPlace("b", attrs.transposeB);
      const product = stock.kernelFunc({
        inputs: { ...inputs, a, b },
        backend,
        attrs: { ...attrs, transposeA: false, transposeB: false },
      });
      for (const tensor of moved) backend.disposeData(tensor.dataId);
      return product;
    },
  };
}

/** A new tensor with its last two axes exchanged. */
function swapLastAxes(x: TensorInfo, backend: object): TensorInfo {
  const rank = x.shape.length;
  const perm = [...x.shape.keys()];
  perm.splice(rank - 2, 2, rank - 1, rank - 2);
  const out = getKernel("Transpose", "wasm").kernelFunc({ inputs: { x }, backend, attrs: { perm } });
  assert(!Array.isArray(out), "Transpose gives one tensor");
  return out;
}
