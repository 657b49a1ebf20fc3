/**
 * Half the squared norm of a weight that follows hyperparameters, base + slope * by with by = h V
 * at the first example's hyperparameters h: what weight decay penalizes. On wasm a pass forward and a
 * pass back over both parts, where forming the weight first takes twice as many; elsewhere plain operations.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { one, sumToShape } from "./gradients/parts.js";
import { isTaped } from "./taping.js";
import { BENT_SQUARES, BENT_SQUARES_GRADIENT } from "./wasm/bent-squares.js";

/** @param base [..., columns], as slope is. @param h [batch, hyperparameters]: its first row counts. @param slopes V [hyperparameters, columns]. */
export function halfBentSquares(base: Tensor, slope: Tensor, h: Tensor, slopes: Tensor): Scalar {
  if (tf.backend() instanceof BackendWasm) return tf.engine().runKernel<Scalar>(BENT_SQUARES, { base, slope, h, slopes });
  return tf.mul<Scalar>(tf.sum(tf.square(tf.add(base, tf.mul(slope, multipliersOf(h, slopes))))), 0.5);
}

export const bentSquaresGradient: GradConfig = {
  kernelName: BENT_SQUARES,
  inputsToSave: ["base", "slope", "h", "slopes"],
  gradFunc: (given, saved) => {
    const [dy, base, slope, h, slopes] = [one(given), one(saved[0]), one(saved[1]), one(saved[2]), one(saved[3])];
    // All at once and here: tfjs frees what is made inside one of the gradients.
    const gradients = isTaped()
      ? tapedGradients(dy, base, slope, h, slopes)
      : tf.engine().runKernel<Tensor[]>(BENT_SQUARES_GRADIENT, { dy, base, slope, h, slopes });
    const [byBase, bySlope, byBy, bySlopes] = gradients.map(one);
    return {
      base: () => one(byBase),
      slope: () => one(bySlope),
      h: () =>
        tf.pad(tf.matMul(one(byBy), slopes, false, true), [
          [0, (h.shape[0] ?? 1) - 1],
          [0, 0],
        ]),
      slopes: () => one(bySlopes),
    };
  },
};

/** The same from operations that can be differentiated. */
function tapedGradients(dy: Tensor, base: Tensor, slope: Tensor, h: Tensor, slopes: Tensor): readonly Tensor[] {
  const by = multipliersOf(h, slopes);
  const byBase = tf.mul(dy, tf.add(base, tf.mul(slope, by)));
  const byBy = tf.reshape(sumToShape(tf.mul(byBase, slope), by.shape), [1, by.size]);
  return [byBase, tf.mul(byBase, by), byBy, tf.matMul(firstRow(h), byBy, true)];
}

/** [columns]. */
function multipliersOf(h: Tensor, slopes: Tensor): Tensor {
  return tf.reshape(tf.matMul(firstRow(h), slopes), [slopes.shape[1] ?? 0]);
}

function firstRow(h: Tensor): Tensor {
  return tf.slice(h, [0, 0], [1, h.shape[1] ?? 0]);
}
