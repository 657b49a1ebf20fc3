/**
 * Copies without copying for the wasm backend. Stock Identity and same-type Cast (tfjs 4.22) copy every element, and the tape clones whatever
 * a gradient saves: a few dozen copies a step. A tensor is never written to where its memory has two holders (updates.ts asks), so both may
 * hold one memory, as tfjs's own cpu backend does it.
 */
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { input, wasmBackend } from "./heap.js";

/** The stock identity's config for strings, and the same memory for all else. */
export function shareIdentity(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => (input(call.inputs, "x").dtype === "string" ? stock.kernelFunc(call) : share(call)),
  };
}

/** The stock cast's config, with casts to the type that is there taken out of it. */
export function shareCast(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { dtype } = input(call.inputs, "x");
      return dtype !== "string" && call.attrs?.dtype === dtype ? share(call) : stock.kernelFunc(call);
    },
  };
}

function share({ inputs, backend }: Parameters<KernelConfig["kernelFunc"]>[0]): TensorInfo {
  const { dataId, shape, dtype } = input(inputs, "x");
  wasmBackend(backend).incRef(dataId);
  return { dataId, shape, dtype };
}
