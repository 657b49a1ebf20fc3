/**
 * Log-sum-exp and the losses made of it, from plain operations in stable form; on wasm softmax cross entropy and its gradient are a pass each. tfjs's own (`tf.logSoftmax`, `tf.losses.softmaxCrossEntropy`,
 * `tf.losses.sigmoidCrossEntropy`) have custom gradients that are wrong when differentiated again.
 */

import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { untaped } from "./taping.js";
import { SOFTMAX_CROSS_ENTROPY } from "./wasm/softmax-cross-entropy.js";

/** log(sum(exp(x))) over an axis, without overflow. The maximum taken out is a constant to the gradient, since it cancels. */
export function logSumExp(x: Tensor, axis = -1, keepDims = false): Tensor {
  const most = constantMax(x, axis);
  const sum = tf.log(tf.sum(tf.exp(tf.sub(x, most)), axis, true));
  const result = tf.add(sum, most);
  return keepDims ? result : tf.squeeze(result, [axis < 0 ? axis + x.rank : axis]);
}

/** x - log(sum(exp(x))), of x's shape. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return tf.sub(x, logSumExp(x, axis, true));
}

/**
 * Softmax cross entropy of logits [..., classes] against probabilities [..., classes] (any distribution, also one whose sum is not 1), as
 * sum(t) log(sum(exp z)) - sum(t z) with z shifted by its greatest value; [...], in nats. What the model gave comes first, as in every loss.
 */
export function softmaxCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const fused =
    tf.backend() instanceof BackendWasm &&
    logits.dtype === "float32" &&
    targets.dtype === "float32" &&
    tf.util.arraysEqual(logits.shape, targets.shape);
  if (fused) return tf.engine().runKernel<Tensor>(SOFTMAX_CROSS_ENTROPY, { logits, targets });
  const shifted = tf.sub(logits, constantMax(logits, -1));
  const logNormalizer = tf.log(tf.sum(tf.exp(shifted), -1));
  return tf.sub(tf.mul(logNormalizer, tf.sum(targets, -1)), tf.sum(tf.mul(targets, shifted), -1));
}

/** -(t log(p) + (1 - t) log(1 - p)) with p = sigmoid(logits), elementwise, as softplus(logits) - t logits. */
export function sigmoidCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return tf.sub(tf.softplus(logits), tf.mul(targets, logits));
}

/** The maximum over an axis, kept, as a constant to every gradient: it cancels in value and gradient alike, and has no useful second one. */
function constantMax(x: Tensor, axis: number): Tensor {
  return untaped(() => tf.max(x, axis, true));
}
