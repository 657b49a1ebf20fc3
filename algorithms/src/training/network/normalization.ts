/**
 * Normalization that mixes no examples: each example's numbers to mean 0 and variance 1, over the last axis of each place (layer) or over all
 * places and a group of channels (group). Batch normalization is left out on purpose: where every example has its own hyperparameters, its
 * statistics would mix them, and what it uses when measuring would belong to none. It has no weights; gains and biases are the Layers' affair.
 * Source: Ba, Kiros and Hinton, "Layer normalization", 2016, equation 3; Wu and He, "Group normalization", ECCV 2018, equations 1 to 4.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { TrialFailure } from "../contracts/procedure.js";

/** Added to variances, so that constant numbers have a gradient. */
const varianceFloor = 1e-5;

/** How numbers are averaged that are normalized together. */
export interface Averaging {
  /** What x is reshaped to first. */
  readonly shape: number[];
  /** Means of a tensor of that shape, fewer numbers than it has. */
  mean(x: tf.Tensor): tf.Tensor;
  /** Means in a shape that goes with the tensor's. */
  spread(means: tf.Tensor): tf.Tensor;
}

/** x [..., units] over its last axis. */
export function layerNormalized(x: tf.Tensor): tf.Tensor {
  return standardized(x, layerAveraging(x.shape));
}

/** x [batch, ..., channels] over its places and each group of neighbouring channels. */
export function groupNormalized(x: tf.Tensor, groups: number): tf.Tensor {
  return standardized(x, groupAveraging(x.shape, groups));
}

/** Over the last axis: sums over trailing axes are quick. */
export function layerAveraging(shape: readonly number[]): Averaging {
  return { shape: [...shape], mean: (x) => tf.mean(x, x.rank - 1, true), spread: (means) => means };
}

/**
 * Over the places of [batch, ..., channels] and each group of neighbouring channels. Sums over axes that do not lie together are slow, and so are
 * their gradients: sums over places, and what brings them back, are products with ones instead.
 */
export function groupAveraging(shape: readonly number[], groups: number): Averaging {
  const [batch = 0, ...rest] = shape;
  const channels = rest.pop() ?? 0;
  assert(groups >= 1, `groups of channels are counted from 1, not ${groups}`);
  if (channels % groups !== 0) {
    throw new TrialFailure("user-error", `saw ${channels} channels in ${groups} groups, expected groups that divide them`);
  }
  const places = tf.util.sizeFromShape(rest);
  // One group is a plain row.
  if (groups === 1) return layerAveraging([batch, places * channels]);
  const width = channels / groups;
  return {
    shape: [batch, places, channels],
    mean(x) {
      const sums = tf.reshape(tf.matMul(tf.ones([1, 1, places]), x), [batch * groups, width]);
      return tf.div(tf.mean(sums, 1, true), places);
    },
    spread(means) {
      const ofChannels = tf.reshape(tf.matMul(means, tf.ones([1, width])), [batch, 1, channels]);
      return tf.matMul(tf.ones([1, places, 1]), ofChannels);
    },
  };
}

function standardized(x: tf.Tensor, averaging: Averaging): tf.Tensor {
  const rows = tf.reshape(x, averaging.shape);
  const centered = tf.sub(rows, averaging.spread(averaging.mean(rows)));
  return tf.reshape(tf.mul(centered, averaging.spread(inverseDeviation(averaging.mean(tf.square(centered))))), x.shape);
}

/** 1 / sqrt(variance + floor). */
export function inverseDeviation(variance: tf.Tensor): tf.Tensor {
  return tf.div(1, tf.sqrt(tf.add(variance, varianceFloor)));
}
