/**
 * Half the squared norm of a weight that follows hyperparameters, base + slope * by: what weight decay penalizes. On wasm a pass forward and a
 * pass back over both parts, where forming the weight first takes twice as many; elsewhere plain operations.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { isTaped } from "./bend-places.js";
import { one, sumToShape } from "./gradients/parts.js";
import { BENT_SQUARES, BENT_SQUARES_GRADIENT } from "./wasm/bent-squares.js";

/** @param base [..., columns], as slope is. @param by [columns], for all rows. */
export function halfBentSquares(base: Tensor, slope: Tensor, by: Tensor): Scalar {
  if (tf.backend() instanceof BackendWasm) return tf.engine().runKernel<Scalar>(BENT_SQUARES, { base, slope, by });
  return tf.mul<Scalar>(tf.sum(tf.square(tf.add(base, tf.mul(slope, by)))), 0.5);
}

export const bentSquaresGradient: GradConfig = {
  kernelName: BENT_SQUARES,
  inputsToSave: ["base", "slope", "by"],
  gradFunc: (given, [savedBase, savedSlope, savedBy]) => {
    const [dy, base, slope, by] = [one(given), one(savedBase), one(savedSlope), one(savedBy)];
    // All at once and here: tfjs frees what is made inside one of the gradients.
    const gradients = isTaped()
      ? tapedGradients(dy, base, slope, by)
      : tf.engine().runKernel<Tensor[]>(BENT_SQUARES_GRADIENT, { dy, base, slope, by });
    const [byBase, bySlope, byBy] = gradients.map(one);
    return { base: () => one(byBase), slope: () => one(bySlope), by: () => one(byBy) };
  },
};

/** The same from operations that can be differentiated. */
function tapedGradients(dy: Tensor, base: Tensor, slope: Tensor, by: Tensor): readonly Tensor[] {
  const byBase = tf.mul(dy, tf.add(base, tf.mul(slope, by)));
  return [byBase, tf.mul(byBase, by), sumToShape(tf.mul(byBase, slope), by.shape)];
}
