/**
 * Input scaling: each example is multiplied by a number drawn uniformly between 1/(1 + v) and 1 + v, v the example's own strength.
 * Source: MacKay et al., "Self-Tuning Networks", ICLR 2019, the released code of its convolutional experiments.
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { atRow, checkRealInputs, isOff } from "../../training/techniques/augmentation-inputs.js";
import { type InputScalingOptions, spec } from "./spec.js";

export const module: TechniqueModule<InputScalingOptions> = {
  spec,
  create: () => ({
    inputs(inputs, context) {
      checkRealInputs(inputs, spec.name);
      const strengths = context.values("inputScaling");
      if (isOff(strengths)) return inputs;
      const factors = new Float32Array(context.batchSize);
      context.rng.fillUniform(factors);
      for (const [row, uniform] of factors.entries()) {
        const most = 1 + atRow(strengths, row);
        factors[row] = 1 / most + uniform * (most - 1 / most);
      }
      return tf.mul(inputs, tf.tensor(factors, [context.batchSize, ...inputs.shape.slice(1).map(() => 1)]));
    },
  }),
};
