/** One loss head on numbers, for tests of what it does by hand. */
import * as tf from "@tensorflow/tfjs";
import type { LossHeadModule } from "../training/contracts/loss-head.js";

/** Numbers [batch, ...]. */
type Rows = readonly (readonly number[])[] | readonly (readonly (readonly number[])[])[];

/** The losses of a head with its defaults. */
export function lossesOf<Settings>(module: LossHeadModule<Settings>, outputs: Rows, targets: Rows): number[] {
  const head = module.create(module.spec.options.parse({}));
  return tf.tidy(() => [...head.losses(tf.tensor(outputs as tf.TensorLike), tf.tensor(targets as tf.TensorLike)).dataSync()]);
}
