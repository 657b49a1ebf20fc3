/**
 * How our kernels see the wasm backend: their inputs, and tensors as addresses on its heap. It does no arithmetic.
 */
import { assert } from "@regulus/proto";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";

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

/** A shape of rank 4, as tfjs's convolution and pooling geometry wants it. */
export function fourOf(shape: readonly number[]): [number, number, number, number] {
  const [a, b, c, d] = shape;
  assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined, `a shape of rank 4, not [${shape}]`);
  return [a, b, c, d];
}
