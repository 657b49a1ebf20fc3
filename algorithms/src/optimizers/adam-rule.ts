/**
 * Adam: running means of the gradient and of its square, both bias-corrected by the number of updates on the host, so exactly.
 * Source: Kingma and Ba, "Adam", ICLR 2015, algorithm 1.
 */
import * as tf from "@tensorflow/tfjs";
import { applyAdam } from "../kernels/index.js";
import { type OptimizerRule, stateOf } from "../training/contracts/optimizer.js";

export interface AdamRuleSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export function adamRule({ beta1, beta2, epsilon }: AdamRuleSettings): OptimizerRule {
  return {
    init: ({ shape }) => ({ mean: shape, square: shape }),
    update(gradient, state, { update }) {
      const mean = tf.add(tf.mul(stateOf(state, "mean"), beta1), tf.mul(gradient, 1 - beta1));
      const square = tf.add(tf.mul(stateOf(state, "square"), beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const root = tf.sqrt(tf.div(square, 1 - beta2 ** update));
      return { direction: tf.div(tf.div(mean, 1 - beta1 ** update), tf.add(root, epsilon)), state: { mean, square } };
    },
    updateInPlace({ parameter, gradient, state, learningRate, update }) {
      const moments = { first: stateOf(state, "mean"), second: stateOf(state, "square") };
      applyAdam(parameter, moments, gradient, { learningRate, step: update, beta1, beta2, epsilon });
    },
  };
}
