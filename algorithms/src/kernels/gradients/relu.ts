/** The gradient of a rectifier: one pass on wasm, or plain operations where it is itself to be differentiated and on other backends. */
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { getKernel } from "@tensorflow/tfjs-core";
import { isTaped } from "../taping.js";
import { RELU_GRADIENT } from "../wasm/relu-gradient.js";
import { one } from "./parts.js";

export const reluGradient: GradConfig = {
  kernelName: "Relu",
  inputsToSave: ["x"],
  gradFunc: (given, saved) => {
    const [dy, x] = [one(given), one(saved[0])];
    const fused = !isTaped() && x.dtype === "float32" && getKernel(RELU_GRADIENT, tf.getBackend()) !== undefined;
    return {
      x: () => (fused ? tf.engine().runKernel<Tensor>(RELU_GRADIENT, { dy, x }) : tf.mul(dy, tf.cast(tf.step(x), "float32"))),
    };
  },
};
