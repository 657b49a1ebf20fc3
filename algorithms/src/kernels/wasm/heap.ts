/**
 * How our kernels see the wasm backend: tensors as addresses and views on its heap. It does no arithmetic. Views are valid until the next
 * allocation, since the heap may grow and move, so take them after every output has been made.
 */

import { assert } from "@regulus/proto";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";

/** The backend a wasm kernel was called with. */
export function wasmBackend(backend: object): BackendWasm {
  assert(backend instanceof BackendWasm, "a kernel registered for wasm runs on the wasm backend");
  return backend;
}

/** A named input that the kernel's contract says is there. */
export function input(inputs: NamedTensorInfoMap, name: string): TensorInfo {
  const tensor = inputs[name];
  assert(tensor !== undefined, `kernel input ${name} is given`);
  return tensor;
}

/** Byte address of a tensor's first element. */
export function addressOf(backend: BackendWasm, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId);
}

/** A float tensor's elements, in place. */
export function floats(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  const view = backend.typedArrayFromHeap(tensor);
  assert(view instanceof Float32Array, `a float32 tensor, not ${tensor.dtype}`);
  return view;
}

/** A kernel of ours for the wasm backend. */
export type WasmKernel = Pick<KernelConfig, "kernelName" | "kernelFunc">;
