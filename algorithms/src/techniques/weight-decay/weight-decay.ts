/**
 * Weight decay as a penalty: strength/2 times the sum of the squares of all kernels; biases and embeddings are left alone. Under `self-tune`
 * the kernels are those of the perturbed hyperparameters, so that the penalty shapes the response too.
 * Source: Krogh and Hertz, "A simple weight decay can improve generalization", NIPS 1991, equation 1.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { spec, type WeightDecayOptions } from "./spec.js";

export const module: TechniqueModule<WeightDecayOptions> = {
  spec,
  create: () => ({
    penalty(weights, context) {
      const [strength = 0, ...others] = context.values("weightDecay");
      assert(others.length === 0, "weightDecay is shared in a batch, since it acts on weights");
      if (strength === 0) return tf.scalar(0);
      const norms = weights
        .filter(({ kind }) => kind === "kernel")
        .map((weight) => weight.halfSquares?.() ?? halfSquaredNorm(weight.value));
      return norms.length === 0 ? tf.scalar(0) : tf.mul<tf.Scalar>(tf.addN(norms), strength);
    },
  }),
};

/** Half the sum of squares. Its gradient, the tensor itself, costs one pass over a kernel here, and five where tfjs derives it. */
function halfSquaredNorm(x: tf.Tensor): tf.Scalar {
  const norm = tf.customGrad<tf.Scalar>((weight, save) => {
    assert(weight instanceof tf.Tensor && typeof save === "function", "customGrad gives the tensor and a way to save it");
    save([weight]);
    return {
      value: tf.mul<tf.Scalar>(tf.sum(tf.square(weight)), 0.5),
      gradFunc: (dy: tf.Scalar, saved: tf.Tensor[]) => tf.mul(saved[0] ?? weight, dy),
    };
  });
  return norm(x);
}
