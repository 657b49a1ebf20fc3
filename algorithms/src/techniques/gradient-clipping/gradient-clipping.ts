/**
 * Clipping by the global norm: where the gradient of all weights together is longer than clipNorm, it is shortened to it; its direction stays.
 * The norm never leaves the backend.
 * Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1.
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { type GradientClippingOptions, spec } from "./spec.js";

export const module: TechniqueModule<GradientClippingOptions> = {
  spec,
  create: () => ({
    gradients(gradients, context) {
      const names = Object.keys(gradients);
      if (names.length === 0) return gradients;
      const clipped = tf.tidy(() => {
        const norm = tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)))));
        // min(1, clipNorm / norm), with the floor of a float32 for a gradient of zero.
        const scale = tf.minimum(1, tf.div(tf.reshape(context.value("clipNorm"), []), tf.maximum(norm, 1e-30)));
        return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, scale)]));
      });
      tf.dispose(gradients);
      return clipped;
    },
  }),
};
