/**
 * A float32 tensor that is filled number by number here: masks, noise, batches. On wasm its numbers are written where the backend keeps them; as an array
 * that is copied there, each of some hundred kilobytes a step would sweep weights out of the cache until the garbage collector comes.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { UNFILLED } from "./wasm/unfilled.js";

/** @param fill writes every number of it, which begin as anything, and makes no tensors; it doesn't keep the array. */
export function filled(shape: readonly number[], fill: (values: Float32Array) => void): tf.Tensor {
  const backend = tf.backend();
  if (backend instanceof BackendWasm) {
    const tensor = tf.engine().runKernel<tf.Tensor>(UNFILLED, {}, { shape: [...shape] });
    fill(backend.typedArrayFromHeap(tensor) as Float32Array);
    return tensor;
  }
  const values = new Float32Array(tf.util.sizeFromShape([...shape]));
  fill(values);
  return tf.tensor(values, [...shape]);
}
