/**
 * Scaled weight standardization: the model sees gain (v - mean(v)) / (std(v) sqrt(inputs)) of each output's weights v, which has mean 0 and the gain for its
 * norm. The last layer's weights and single inputs are left as they are.
 * Source: Brock, De and Smith, "Characterizing signal propagation to close the performance gap in unnormalized ResNets", ICLR 2021, equation 1; Qiao
 * et al., "Micro-batch training with batch-channel normalization and weight standardization", arXiv:1903.10520.
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { spec, type WeightStandardizationOptions } from "./spec.js";

/** Squared norms below this count as this, so that equal weights give no division by 0 (as in the authors' code). */
const squaredNormMin = 1e-4;

export const module: TechniqueModule<WeightStandardizationOptions> = {
  spec,
  create: ({ standardizedNorm }) => ({
    view(value) {
      const norm = standardizedNorm ?? value("standardizedNorm");
      return {
        seen(kernel, { group, matrix }) {
          if (group === "last" || matrix === undefined || matrix.rows < 2) return undefined;
          const inputs = [...kernel.shape.keys()].slice(0, -1);
          const centred = tf.sub(kernel, tf.mean(kernel, inputs, true));
          // std sqrt(inputs) is the norm of what is centred.
          const squares = tf.sum(tf.square(centred), inputs, true);
          return tf.mul(centred, tf.mul(tf.rsqrt(tf.maximum(squares, squaredNormMin)), norm));
        },
      };
    },
  }),
};
