/**
 * Dual numbers of tensors: a value and the tangent along which it moves. What a function makes of the tangent is its directional derivative,
 * computed forward beside the value (forward-mode differentiation), and a gradient of that by ordinary first-order means stays possible.
 * Source: Griewank and Walther, "Evaluating Derivatives", 2nd edition (2008), section 3.1.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { maxPoolTangent } from "../../kernels/index.js";
import type { Activation, Signal } from "../../training/network.js";
import { imagesOf } from "../../training/tensor-network.js";

export interface Dual {
  readonly value: tf.Tensor;
  /** Of the value's shape; undefined for zero. */
  readonly tangent: tf.Tensor | undefined;
}

/** A dual number as a network's signal. */
export class DualSignal implements Signal, Dual {
  readonly value: tf.Tensor;
  readonly tangent: tf.Tensor | undefined;

  constructor({ value, tangent }: Dual) {
    this.value = value;
    this.tangent = tangent;
  }

  get shape(): readonly number[] {
    return this.value.shape;
  }
}

/** The dual number that a signal is; a tensor is a constant. */
export function dualOf(signal: Signal): Dual {
  if (signal instanceof DualSignal) return signal;
  assert(signal instanceof tf.Tensor, "a signal comes from the network that it is given to, or is a tensor");
  return { value: signal, tangent: undefined };
}

/** A linear function of both. */
export function mapped({ value, tangent }: Dual, linear: (x: tf.Tensor) => tf.Tensor): Dual {
  return { value: linear(value), tangent: tangent === undefined ? undefined : linear(tangent) };
}

/** An elementwise function, given its value and then its derivative. */
function elementwise({ tangent }: Dual, value: tf.Tensor, derivative: () => tf.Tensor): Dual {
  return { value, tangent: tangent === undefined ? undefined : tf.mul(tangent, derivative()) };
}

export function addDuals(a: Dual, b: Dual): Dual {
  const tangents = [a.tangent, b.tangent].flatMap((tangent) => tangent ?? []);
  const value = tf.add(a.value, b.value);
  return { value, tangent: tangents.length === 0 ? undefined : tf.broadcastTo(tf.addN(tangents), value.shape) };
}

/** Of one shape. */
export function multiplyDuals(a: Dual, b: Dual): Dual {
  const parts = [a.tangent && tf.mul(a.tangent, b.value), b.tangent && tf.mul(a.value, b.tangent)].flatMap((part) => part ?? []);
  return { value: tf.mul(a.value, b.value), tangent: parts.length === 0 ? undefined : tf.addN(parts) };
}

export function activateDual(x: Dual, activation: Activation = "linear"): Dual {
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return elementwise(x, tf.relu(x.value), () => tf.step(x.value));
    case "tanh": {
      const value = tf.tanh(x.value);
      return elementwise(x, value, () => tf.sub(1, tf.square(value)));
    }
    case "sigmoid": {
      const value = tf.sigmoid(x.value);
      return elementwise(x, value, () => tf.mul(value, tf.sub(1, value)));
    }
  }
}

/** Each window's greatest value, and the tangent of that place; valid padding. */
export function maxPoolDual({ value, tangent }: Dual, size: number, stride: number): Dual {
  const pooled = tf.maxPool(imagesOf(value), size, stride, "valid");
  if (tangent === undefined) return { value: pooled, tangent };
  return { value: pooled, tangent: maxPoolTangent(imagesOf(tangent), imagesOf(value), pooled, { size, stride }) };
}
