/**
 * Dual numbers of tensors: a value and the tangent along which it moves. What a function makes of the tangent is its directional derivative,
 * computed forward beside the value (forward-mode differentiation), and a gradient of that by ordinary first-order means stays possible.
 * Source: Griewank and Walther, "Evaluating Derivatives", 2nd edition (2008), section 3.1.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { maxPoolTangent, untaped } from "../../kernels/index.js";
import type { Activation, Signal } from "../../training/contracts/network.js";
import { imagesOf } from "../../training/network/tensor-network.js";

export interface Dual {
  /** A constant to gradients: they are asked by what tangents are made of, and values are not. */
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
  return { value: untaped(() => linear(value)), tangent: tangent === undefined ? undefined : linear(tangent) };
}

/** An elementwise function, and its derivative from its value. */
function elementwise(x: Dual, of: (x: tf.Tensor) => tf.Tensor, derivative: (value: tf.Tensor) => tf.Tensor): Dual {
  const value = untaped(() => of(x.value));
  return {
    value,
    tangent:
      x.tangent &&
      tf.mul(
        x.tangent,
        untaped(() => derivative(value)),
      ),
  };
}

export function addDuals(a: Dual, b: Dual): Dual {
  const tangents = [a.tangent, b.tangent].flatMap((tangent) => tangent ?? []);
  const value = untaped(() => tf.add(a.value, b.value));
  return { value, tangent: tangents.length === 0 ? undefined : tf.broadcastTo(tf.addN(tangents), value.shape) };
}

/** Of one shape. */
export function multiplyDuals(a: Dual, b: Dual): Dual {
  const parts = [a.tangent && tf.mul(a.tangent, b.value), b.tangent && tf.mul(a.value, b.tangent)].flatMap((part) => part ?? []);
  return { value: untaped(() => tf.mul(a.value, b.value)), tangent: parts.length === 0 ? undefined : tf.addN(parts) };
}

export function activateDual(x: Dual, activation: Activation = "linear"): Dual {
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return elementwise(x, tf.relu, tf.step);
    case "tanh":
      return elementwise(x, tf.tanh, (value) => tf.sub(1, tf.square(value)));
    case "sigmoid":
      return elementwise(x, tf.sigmoid, (value) => tf.mul(value, tf.sub(1, value)));
  }
}

/** Each window's greatest value, and the tangent of that place; valid padding. */
export function maxPoolDual({ value, tangent }: Dual, size: number, stride: number): Dual {
  const pooled = untaped(() => tf.maxPool(imagesOf(value), size, stride, "valid"));
  if (tangent === undefined) return { value: pooled, tangent };
  return { value: pooled, tangent: maxPoolTangent(imagesOf(tangent), imagesOf(value), pooled, { size, stride }) };
}
