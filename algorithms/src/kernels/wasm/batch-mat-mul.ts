/**
 * Matrix products for the wasm backend by our own blocked product (algorithms/assembly/gemm.ts). The stock kernel (tfjs 4.22) takes an
 * operand with a transpose flag through a scalar loop 13 to 25 times slower than its SIMD product, and every gradient of a matrix product
 * has one; without flags ours is about 1.25 times quicker too, since stock prepares new weights in every step.
 */
import { assert } from "@regulus/proto";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs-core";
import { broadcast_util } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

/** Products of the last two axes; leading axes broadcast. */
export const batchMatMul: KernelConfig = {
  kernelName: "BatchMatMul",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend, attrs = {} }) =>
    multiply(input(inputs, "a"), input(inputs, "b"), attrs.transposeA === true, attrs.transposeB === true, wasmBackend(backend)),
};

/** A matrix product of float32 tensors as a new tensor. */
export function multiply(
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  backend: BackendWasm,
): TensorInfo {
  assert(a.dtype === "float32" && b.dtype === "float32", `matMul of float32, not ${a.dtype} and ${b.dtype}`);
  const [aRows, aColumns] = lastTwo(a.shape);
  const [bRows, bColumns] = lastTwo(b.shape);
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  assert(k === inner, `matMul: inner lengths ${k} and ${inner} of shapes [${a.shape}] and [${b.shape}] are the same`);
  const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = backend.makeOutput([...batch, m, n], "float32");
  const module = kernelModule(backend);
  const [aAt, bAt, outAt] = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
  const aOf = batchIndex(a.shape.slice(0, -2), batch);
  const bOf = batchIndex(b.shape.slice(0, -2), batch);
  const count = batch.reduce((product, length) => product * length, 1);
  for (let i = 0; i < count; i++) {
    const aOne = aAt + 4 * aRows * aColumns * aOf(i);
    const bOne = bAt + 4 * bRows * bColumns * bOf(i);
    const operands = [aOne, aColumns, transposeA ? 1 : 0, bOne, bColumns, transposeB ? 1 : 0] as const;
    module.gemm(m, n, k, ...operands, outAt + 4 * m * n * i, n, 0, module.scratch);
  }
  return out;
}

function lastTwo(shape: readonly number[]): [number, number] {
  const [rows, columns] = shape.slice(-2);
  assert(rows !== undefined && columns !== undefined, `matMul of matrices, not shape [${shape}]`);
  return [rows, columns];
}

/** From an index into the broadcast leading axes to the operand's own. */
function batchIndex(own: readonly number[], batch: readonly number[]): (i: number) => number {
  if (own.length === batch.length && own.every((length, axis) => length === batch[axis])) return (i) => i;
  const lengths = [...batch].reverse();
  const mine = [...own].reverse();
  return (i) => {
    let [rest, stride, index] = [i, 1, 0];
    for (const [axis, length] of lengths.entries()) {
      const ownLength = mine[axis] ?? 1;
      if (ownLength > 1) index += stride * (rest % length);
      stride *= ownLength;
      rest = Math.floor(rest / length);
    }
    return index;
  };
}
