/**
 * Softmax cross entropy for the wasm backend, and its gradient by the logits, in one pass each (algorithms/assembly/softmax-cross-entropy.ts). ../losses.ts
 * makes an operation of them.
 */
import { assert } from "@regulus/proto";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const SOFTMAX_CROSS_ENTROPY = "RegulusSoftmaxCrossEntropy";
export const SOFTMAX_CROSS_ENTROPY_GRADIENT = "RegulusSoftmaxCrossEntropyGradient";

/** logits and targets [..., classes] to losses [...]. */
export const softmaxCrossEntropyKernel: KernelConfig = {
  kernelName: SOFTMAX_CROSS_ENTROPY,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [logits, targets] = [input(inputs, "logits"), input(inputs, "targets")];
    const { rows, classes } = sizesOf(logits, targets);
    const out = backend.makeOutput(logits.shape.slice(0, -1), "float32");
    const [logitsAt, targetsAt] = [addressOf(backend, logits), addressOf(backend, targets)];
    kernelModule(backend).softmaxCrossEntropy(logitsAt, targetsAt, addressOf(backend, out), rows, classes);
    return out;
  },
};

/** The gradient by the logits, from dy [...], logits and targets. */
export const softmaxCrossEntropyGradientKernel: KernelConfig = {
  kernelName: SOFTMAX_CROSS_ENTROPY_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [dy, logits, targets] = [input(inputs, "dy"), input(inputs, "logits"), input(inputs, "targets")];
    const { rows, classes } = sizesOf(logits, targets);
    assert(util.sizeFromShape(dy.shape) === rows, `dy of shape [${dy.shape}] has a number for each of ${rows} rows`);
    const out = backend.makeOutput(logits.shape, "float32");
    const [dyAt, logitsAt, targetsAt] = [addressOf(backend, dy), addressOf(backend, logits), addressOf(backend, targets)];
    kernelModule(backend).softmaxCrossEntropyGradient(dyAt, logitsAt, targetsAt, addressOf(backend, out), rows, classes);
    return out;
  },
};

function sizesOf(logits: TensorInfo, targets: TensorInfo): { readonly rows: number; readonly classes: number } {
  assert(util.arraysEqual(logits.shape, targets.shape), `logits [${logits.shape}] and targets [${targets.shape}] have one shape`);
  assert(logits.dtype === "float32" && targets.dtype === "float32", `float32, not ${logits.dtype} and ${targets.dtype}`);
  const classes = logits.shape.at(-1) ?? 1;
  return { rows: classes === 0 ? 0 : util.sizeFromShape(logits.shape) / classes, classes };
}
