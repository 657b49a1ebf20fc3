/** Heavy-ball momentum: velocity = momentum velocity + gradient, and the direction is the velocity. Source: Polyak 1964, equation 9. */
import * as tf from "@tensorflow/tfjs";
import { applyMomentum } from "../../kernels/index.js";
import { type OptimizerModule, stateOf } from "../../training/contracts/optimizer.js";
import { type MomentumSettings, spec } from "./spec.js";

export const module: OptimizerModule<MomentumSettings> = {
  spec,
  create: ({ momentum }) => ({
    init: ({ shape }) => ({ velocity: shape }),
    update(gradient, state) {
      const velocity = tf.add(tf.mul(stateOf(state, "velocity"), momentum), gradient);
      return { direction: velocity, state: { velocity } };
    },
    updateInPlace({ parameter, gradient, state, learningRate }) {
      applyMomentum(parameter, stateOf(state, "velocity"), gradient, { learningRate, momentum });
    },
  }),
};
