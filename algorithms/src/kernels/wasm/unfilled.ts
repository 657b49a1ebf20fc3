/** A float32 tensor whose numbers are what was in memory before, for the wasm backend. ../filled.ts fills it. */
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { wasmBackend } from "./heap.js";

export const UNFILLED = "RegulusUnfilled";

export const unfilledKernel: KernelConfig = {
  kernelName: UNFILLED,
  backendName: "wasm",
  kernelFunc: ({ backend, attrs = {} }) => wasmBackend(backend).makeOutput(attrs.shape as number[], "float32"),
};
