/**
 * Log-sum-exp and the losses made of it, from plain operations in stable form. tfjs's own (`tf.logSoftmax`, `tf.losses.softmaxCrossEntropy`,
 * `tf.losses.sigmoidCrossEntropy`) have custom gradients that are wrong when differentiated again.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

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

/** -sum(labels log(softmax(logits))) for each example: [batch] from labels and logits [batch, classes]; labels may be any distribution. */
export function softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor {
  return tf.neg(tf.sum(tf.mul(labels, logSoftmax(logits)), -1));
}

/** -(labels log(p) + (1 - labels) log(1 - p)) with p = sigmoid(logits), elementwise: softplus(logits) - labels logits. */
export function sigmoidCrossEntropy(labels: Tensor, logits: Tensor): Tensor {
  return tf.sub(tf.softplus(logits), tf.mul(labels, logits));
}

/** The maximum over an axis, kept, as a constant to every gradient. */
function constantMax(x: Tensor, axis: number): Tensor {
  const constant = tf.customGrad((...inputs) => {
    const [input] = inputs;
    const value = tf.max(x, axis, true);
    return { value, gradFunc: () => tf.zerosLike(input instanceof tf.Tensor ? input : x) };
  });
  return constant(x);
}
