/**
 * Cross entropy with s(x) = x + 1 for x >= 0 and 1 / (1 - x) below in the place of exp: the softmax of g(x) = sign(x) log(1 + |x|).
 * Source: Prieto et al., "Grokking at the edge of numerical stability", ICLR 2025.
 */
import * as tf from "@tensorflow/tfjs";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import type { LossHeadModule } from "../../training/contracts/loss-head.js";
import { meanOverPlaces } from "../../training/network/losses.js";
import { classesOf } from "../../training/techniques/class-targets.js";
import { type StablemaxCrossEntropySettings, spec } from "./spec.js";

export const module: LossHeadModule<StablemaxCrossEntropySettings> = {
  spec,
  create: () => ({
    losses(outputs, targets) {
      classesOf(targets, spec.name);
      return meanOverPlaces(softmaxCrossEntropy(signedLog(outputs), targets));
    },
  }),
};

/** sign(x) log(1 + |x|). Its slope at 0 is 1: the sign of 0 would make it 0. */
function signedLog(x: tf.Tensor): tf.Tensor {
  const [above, below] = [tf.log1p(tf.maximum(x, 0)), tf.log1p(tf.maximum(tf.neg(x), 0))];
  return tf.where(tf.greaterEqual(x, 0), above, tf.neg(below));
}
