/**
 * The gradient of bend's gradient (base + slope * by, ../bend.ts), so that what is made of it can be differentiated again: with a for what
 * comes back by slope's gradient and b by by's, dy gets a * by + b * slope, slope gets b * dy, by gets a * dy. Of plain operations.
 */
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { BEND_GRADIENT } from "../wasm/bend.js";
import { one, sumToShape } from "./parts.js";

export const bendGradientGradient: GradConfig = {
  kernelName: BEND_GRADIENT,
  inputsToSave: ["dy", "slope", "by"],
  gradFunc: (given, [savedDy, savedSlope, savedBy]) => {
    const [a, b] = Array.isArray(given) ? given : [given, undefined];
    const [back, forth] = [one(a), one(b)];
    const [dy, slope, by] = [one(savedDy), one(savedSlope), one(savedBy)];
    const product = (x: Tensor, y: Tensor, like: Tensor) => sumToShape(tf.mul(x, y), like.shape);
    return {
      // Either factor may be one row that all share; zeros of dy's shape make the sum whole.
      dy: () => tf.addN([tf.zerosLike(dy), tf.mul(back, by), tf.mul(forth, slope)].map((term) => tf.broadcastTo(term, dy.shape))),
      slope: () => product(forth, dy, slope),
      by: () => product(back, dy, by),
    };
  },
};
