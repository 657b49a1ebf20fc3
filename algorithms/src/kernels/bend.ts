/**
 * base + slope * by, the one operation by which weights and activations follow hyperparameters. On wasm it and its gradient are a pass each; on
 * other backends it is made of plain operations. Its gradient on wasm can be differentiated again (gradients/bend.ts).
 */
import { assert } from "@regulus/proto";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { BEND, BEND_GRADIENT } from "./wasm/bend.js";

/** Each of one shape, or one row of it (its last axis) that all rows share. float32; of the largest one's shape. */
export function bend(base: tf.Tensor, slope: tf.Tensor, by: tf.Tensor): tf.Tensor {
  if (!(tf.backend() instanceof BackendWasm)) return tf.add(base, tf.mul(slope, by));
  return onWasm(base, slope, by);
}

function onWasm(base: tf.Tensor, slope: tf.Tensor, by: tf.Tensor): tf.Tensor {
  const operation = tf.customGrad((...inputs) => {
    const [b, s, y, save] = inputs;
    assert(b instanceof tf.Tensor && s instanceof tf.Tensor && y instanceof tf.Tensor, "customGrad gives what it is given");
    assert(typeof save === "function", "customGrad gives a way to save");
    save([s, y]);
    return {
      value: tf.engine().runKernel<tf.Tensor>(BEND, { base: b, slope: s, by: y }),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [slope, by] = saved;
        assert(slope !== undefined && by !== undefined, "customGrad gives what was saved");
        const gradients = tf.engine().runKernel<tf.Tensor[]>(BEND_GRADIENT, { dy, slope, by });
        return [dy.size === b.size ? dy : tf.reshape(tf.sum(tf.reshape(dy, [-1, b.size]), 0), b.shape), ...gradients];
      },
    };
  });
  return operation(base, slope, by);
}
