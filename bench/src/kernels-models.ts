/** The models whose training steps the kernels bench times: one that is all matrix products, one convolutional, one with an embedding. */
import * as tf from "@tensorflow/tfjs";

/** A model, its data and its loss. */
export interface TimedModel {
  readonly variables: readonly tf.Variable[];
  /** Labels as distributions, [batch, classes]. */
  readonly labels: tf.Tensor;
  /** Logits of the batch, [batch, classes]. */
  logits(): tf.Tensor;
}

export const MODELS: Readonly<Record<string, () => TimedModel>> = { "mlp-784-512-10": mlp, "small-conv-net": convNet, embedding };

let seed = 1;
/** A weight that alone holds its memory. */
function weight(shape: number[], scale: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, scale, "float32", seed++)));
}

function labelsOf(batch: number, classes: number): tf.Tensor {
  return tf.cast(tf.oneHot(tf.randomUniform([batch], 0, classes, "int32", seed++), classes), "float32");
}

/** 784-512-10 at batch 128. */
function mlp(): TimedModel {
  const x = tf.randomUniform([128, 784], 0, 1, "float32", seed++);
  const [w1, b1, w2, b2] = [weight([784, 512], 0.05), weight([512], 0.1), weight([512, 10], 0.05), weight([10], 0.1)];
  const hidden = () => tf.relu(tf.add(tf.matMul(x, w1), b1));
  return { variables: [w1, b1, w2, b2], labels: labelsOf(128, 10), logits: () => tf.add(tf.matMul(hidden(), w2), b2) };
}

/** 28x28 images at batch 32: 16 and 32 filters of 3x3, each pooled by 2, then ten classes. */
function convNet(): TimedModel {
  const x = tf.randomUniform<tf.Rank.R4>([32, 28, 28, 1], 0, 1, "float32", seed++);
  const [f1, b1, f2, b2] = [weight([3, 3, 1, 16], 0.3), weight([16], 0.1), weight([3, 3, 16, 32], 0.1), weight([32], 0.1)];
  const [w, b] = [weight([7 * 7 * 32, 10], 0.03), weight([10], 0.1)];
  const block = (
    image: tf.Tensor4D,
    filter: tf.Variable,
    shape: [number, number, number, number],
    bias: tf.Variable,
  ): tf.Tensor4D => {
    const convolved = tf.conv2d(image, tf.reshape<tf.Rank.R4>(filter, shape), 1, "same");
    return tf.maxPool(tf.relu(tf.add<tf.Tensor4D>(convolved, bias)), 2, 2, "valid");
  };
  return {
    variables: [f1, b1, f2, b2, w, b],
    labels: labelsOf(32, 10),
    logits: () => {
      const image = block(block(x, f1, [3, 3, 1, 16], b1), f2, [3, 3, 16, 32], b2);
      return tf.add(tf.matMul(tf.reshape(image, [32, 7 * 7 * 32]), w), b);
    },
  };
}

/** 64 texts of 16 words out of 500: embedded in 64 numbers, averaged, 64 hidden units, four classes. */
function embedding(): TimedModel {
  const words = tf.randomUniform([64, 16], 0, 500, "int32", seed++);
  const [table, w1, b1, w2] = [weight([500, 64], 0.3), weight([64, 64], 0.2), weight([64], 0.1), weight([64, 4], 0.2)];
  const hidden = () => tf.tanh(tf.add(tf.matMul(tf.mean(tf.gather(table, words), 1), w1), b1));
  return { variables: [table, w1, b1, w2], labels: labelsOf(64, 4), logits: () => tf.matMul(hidden(), w2) };
}
