/**
 * Gaussian noise on the inputs, with a standard deviation for each example in the units of the inputs (workloads normalize theirs to
 * variance 1). Inputs that are whole numbers (tokens) have no neighbours to move to, and are refused.
 * Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7 (1995), equation 1.
 */
import * as tf from "@tensorflow/tfjs";
import { filled } from "../../kernels/index.js";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { checkRealInputs } from "../../training/techniques/augmentation-inputs.js";
import { type InputNoiseOptions, spec } from "./spec.js";

export const module: TechniqueModule<InputNoiseOptions> = {
  spec,
  create: () => ({
    inputs(inputs, context) {
      checkRealInputs(inputs, spec.name);
      const deviations = context.values("inputNoise");
      if (deviations.every((deviation) => deviation === 0)) return inputs;
      const noise = filled(inputs.shape, (values) => {
        context.rng.fillNormal(values);
        const columns = values.length / deviations.length;
        for (const [row, deviation] of deviations.entries()) {
          const end = (row + 1) * columns;
          for (let i = row * columns; i < end; i++) values[i] = deviation * (values[i] ?? 0);
        }
      });
      return tf.add(inputs, noise);
    },
  }),
};
