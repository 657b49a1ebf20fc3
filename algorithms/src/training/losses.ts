/**
 * Losses of each example, written with ops whose gradients can be differentiated again. tfjs' own logSoftmax, logSumExp and
 * softmaxCrossEntropy use custom gradients that are silently wrong in second order (design, section 9), so none of them is used here.
 */
import * as tf from "@tensorflow/tfjs";

/**
 * Softmax cross entropy of logits [batch, classes] against probabilities [batch, classes], as sum(t) log(sum(exp z)) - sum(t z) with z
 * shifted by its greatest value; [batch], in nats.
 */
export function softmaxCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  // The shift cancels in value and gradient alike, so it stays off the tape: max has no useful second derivative.
  const shifted = tf.sub(
    logits,
    offTape(() => tf.max(logits, 1, true)),
  );
  const logNormalizer = tf.log(tf.sum(tf.exp(shifted), 1));
  return tf.sub(tf.mul(logNormalizer, tf.sum(targets, 1)), tf.sum(tf.mul(targets, shifted), 1));
}

/** 1 where the most likely class is not the target's most likely one, else 0; [batch]. */
export function classificationError(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.cast(tf.notEqual(tf.argMax(logits, 1), tf.argMax(targets, 1)), "float32");
}

/** Half the squared distance of outputs [batch, n] and targets [batch, n]; [batch]. */
export function halfSquaredError(outputs: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sum(tf.square(tf.sub(outputs, targets)), 1), 0.5);
}

/** Computes `f` as a constant: no gradient flows through it. */
export function offTape(f: () => tf.Tensor): tf.Tensor {
  return tf.customGrad(() => ({ value: f(), gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy) }))(tf.scalar(0));
}
