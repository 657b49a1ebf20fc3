/**
 * Normalization that mixes no examples: each example's numbers to mean 0 and variance 1, over the last axis of each place (layer) or over all
 * places and a group of channels (group). Batch normalization is left out on purpose: where every example has its own hyperparameters, its
 * statistics would mix them, and what it uses when measuring would belong to none. It has no weights; gains and biases are the Layers' affair.
 * Source: Ba, Kiros and Hinton, "Layer normalization", 2016, equation 3; Wu and He, "Group normalization", ECCV 2018, equations 1 to 4.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { TrialFailure } from "./procedure.js";

/** Added to variances, so that constant numbers have a gradient. */
export const varianceFloor = 1e-5;

/** x [..., units] over its last axis. */
export function layerNormalized(x: tf.Tensor): tf.Tensor {
  return standardized(x, [x.rank - 1]);
}

/** x [batch, ..., channels] over its places and each group of neighbouring channels. */
export function groupNormalized(x: tf.Tensor, groups: number): tf.Tensor {
  const [batch = 0, ...rest] = x.shape;
  const channels = rest.pop() ?? 0;
  assert(groups >= 1, `groups of channels are counted from 1, not ${groups}`);
  if (channels % groups !== 0) {
    throw new TrialFailure("user-error", `saw ${channels} channels in ${groups} groups, expected groups that divide them`);
  }
  const places = tf.util.sizeFromShape(rest);
  // One group is a plain row: without the axis of groups, the sums run over trailing axes, which is quicker.
  if (groups === 1) return tf.reshape(standardized(tf.reshape(x, [batch, places * channels]), [1]), x.shape);
  const grouped = tf.reshape(x, [batch, places, groups, channels / groups]);
  return tf.reshape(standardized(grouped, [1, 3]), x.shape);
}

function standardized(x: tf.Tensor, axes: number[]): tf.Tensor {
  const centered = tf.sub(x, tf.mean(x, axes, true));
  const variance = tf.mean(tf.square(centered), axes, true);
  return tf.div(centered, tf.sqrt(tf.add(variance, varianceFloor)));
}
