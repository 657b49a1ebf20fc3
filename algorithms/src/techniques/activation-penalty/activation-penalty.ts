/**
 * Penalties on activations at sites of kind output: alpha times the mean square of what techniques left of them, and beta times the mean square
 * of the change from one time to the next of what came in. The second needs a time axis. Means run over all numbers of the batch.
 * Source: Merity, McCann and Socher, "Revisiting activation regularization for language RNNs", 2017, equations 1 and 2, with squares in the place
 * of norms, as in their released code.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { StepContext, TechniqueModule } from "../../training/contracts/technique.js";
import { type ActivationPenaltyOptions, spec } from "./spec.js";

export const module: TechniqueModule<ActivationPenaltyOptions> = {
  spec,
  create: () => ({
    activations({ before, after }, { kind }, context) {
      if (kind !== "output") return undefined;
      const [alpha, beta] = [strengthOf("activationPenalty", context), strengthOf("temporalPenalty", context)];
      const terms: tf.Scalar[] = [];
      if (alpha !== 0) terms.push(tf.mul(meanSquare(after), alpha));
      if (beta !== 0 && before.rank === 3 && (before.shape[1] ?? 0) > 1) terms.push(tf.mul(meanSquare(changes(before)), beta));
      return terms.length === 0 ? undefined : tf.addN(terms);
    },
  }),
};

function strengthOf(name: string, context: StepContext): number {
  const [strength = 0, ...others] = context.values(name);
  assert(others.length === 0, `${name} is shared in a batch, since it is one term of the mean loss`);
  return strength;
}

/** From each time to the next, [batch, time - 1, units]. */
function changes(x: tf.Tensor): tf.Tensor {
  const [batch = 0, time = 0, units = 0] = x.shape;
  const part = [batch, time - 1, units];
  return tf.sub(tf.slice(x, [0, 1, 0], part), tf.slice(x, [0, 0, 0], part));
}

function meanSquare(x: tf.Tensor): tf.Scalar {
  return tf.mean<tf.Scalar>(tf.square(x));
}
