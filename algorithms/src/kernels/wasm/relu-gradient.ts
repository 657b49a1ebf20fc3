/** The gradient of a rectifier for the wasm backend in one pass (algorithms/assembly/relu.ts). ../gradients/relu.ts asks for it. */
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const RELU_GRADIENT = "RegulusReluGradient";

/** dy and x, float32 of one shape, to the gradient by x. */
export const reluGradientKernel: KernelConfig = {
  kernelName: RELU_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, x] = [input(inputs, "dy"), input(inputs, "x")];
    const out = backend.makeOutput(x.shape, "float32");
    const [dyAt, xAt] = [addressOf(backend, dy), addressOf(backend, x)];
    kernelModule(backend).reluGradient(dyAt, xAt, addressOf(backend, out), util.sizeFromShape(x.shape));
    return out;
  },
};
