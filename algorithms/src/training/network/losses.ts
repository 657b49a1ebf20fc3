/**
 * Measures of each example beside the cross entropies of `kernels`, written with ops whose gradients can be differentiated again. Outputs come
 * first, targets second.
 */
import * as tf from "@tensorflow/tfjs";

/** 1 where the most likely class is not the target's most likely one, else 0; [batch]. */
export function classificationError(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.cast(tf.notEqual(tf.argMax(logits, 1), tf.argMax(targets, 1)), "float32");
}

/** Of numbers for each place of an example [batch, ...], the mean of each example [batch]. */
export function meanOverPlaces(losses: tf.Tensor): tf.Tensor {
  return losses.rank === 1 ? losses : tf.mean(losses, [...losses.shape.keys()].slice(1));
}

/** Half the squared distance of outputs [batch, n] and targets [batch, n]; [batch]. */
export function halfSquaredError(outputs: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sum(tf.square(tf.sub(outputs, targets)), 1), 0.5);
}
