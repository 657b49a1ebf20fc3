/**
 * The gradient of the fused softmax cross entropy (../losses.ts): a kernel of its own, or, where the gradient is itself to be differentiated, the same formula
 * in plain operations. By the targets, which hardly anyone asks for, in plain operations always.
 */
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { isTaped, untaped } from "../taping.js";
import { SOFTMAX_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY_GRADIENT } from "../wasm/softmax-cross-entropy.js";
import { one } from "./parts.js";

export const softmaxCrossEntropyGradient: GradConfig = {
  kernelName: SOFTMAX_CROSS_ENTROPY,
  inputsToSave: ["logits", "targets"],
  gradFunc: (given, saved) => {
    const [dy, logits, targets] = [one(given), one(saved[0]), one(saved[1])];
    return {
      logits: () =>
        isTaped()
          ? byLogits(dy, logits, targets)
          : tf.engine().runKernel<Tensor>(SOFTMAX_CROSS_ENTROPY_GRADIENT, { dy, logits, targets }),
      targets: () => {
        const { shifted, sum } = exponentials(logits);
        return tf.mul(tf.expandDims(dy, -1), tf.sub(tf.log(sum), shifted));
      },
    };
  },
};

function byLogits(dy: Tensor, logits: Tensor, targets: Tensor): Tensor {
  const { exp, sum } = exponentials(logits);
  const expected = tf.mul(tf.sum(targets, -1, true), tf.div(exp, sum));
  return tf.mul(tf.expandDims(dy, -1), tf.sub(expected, targets));
}

function exponentials(logits: Tensor): { readonly shifted: Tensor; readonly exp: Tensor; readonly sum: Tensor } {
  const shifted = tf.sub(
    logits,
    untaped(() => tf.max(logits, -1, true)),
  );
  const exp = tf.exp(shifted);
  return { shifted, exp, sum: tf.sum(exp, -1, true) };
}
