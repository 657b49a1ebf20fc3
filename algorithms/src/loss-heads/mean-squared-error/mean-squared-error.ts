/** The mean of the squared distances between outputs and targets. */
import * as tf from "@tensorflow/tfjs";
import type { LossHeadModule } from "../../training/contracts/loss-head.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { meanOverPlaces } from "../../training/network/losses.js";
import { type MeanSquaredErrorSettings, spec } from "./spec.js";

export const module: LossHeadModule<MeanSquaredErrorSettings> = {
  spec,
  create: () => ({
    losses(outputs, targets) {
      if (!tf.util.arraysEqual(outputs.shape, targets.shape)) {
        const words = `saw outputs of shape [${outputs.shape}] and targets of shape [${targets.shape}], expected one shape`;
        throw new TrialFailure("user-error", `${words}: switch ${spec.name} off for this workload`);
      }
      return meanOverPlaces(tf.square(tf.sub(outputs, targets)));
    },
  }),
};
