/** Small parts that gradients share: reading tfjs's loosely typed arguments, and undoing a broadcast. */
import { assert } from "@regulus/proto";
import type { NamedAttrMap, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

/** The one tensor that is there. */
export function one(tensor: Tensor | Tensor[] | undefined): Tensor {
  assert(tensor !== undefined && !Array.isArray(tensor), "a gradient is given one tensor here");
  return tensor;
}

/** An attribute of a kernel, of the type it is documented to have. */
export function attribute(attrs: NamedAttrMap, name: string, type: "number"): number {
  const value = attrs[name];
  assert(typeof value === type && typeof value === "number", `attribute ${name} is a ${type}`);
  return value;
}

/** Sums over the axes along which `shape` was broadcast. */
export function sumToShape(x: Tensor, shape: number[]): Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, shape);
}
