/** One optimizer on one number, for tests of what it does by hand. */
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import type { OptimizerRule } from "../training/contracts/optimizer.js";
import { ParameterStore } from "../training/state/parameter-store.js";
import { WeightUpdates } from "../training/trainer/weight-updates.js";

/** Values of a parameter that begins at 1 after each of the gradients. @param name its role is read from it. */
export function twoUpdates(
  rule: OptimizerRule,
  gradients: readonly [number, number],
  learningRate: number,
  name = "dense/kernel",
): number[] {
  const store = new ParameterStore(createRng(1));
  store.get(name, [1, 1], (values) => values.fill(1));
  const updates = new WeightUpdates(rule, store);
  const seen = gradients.map((gradient) =>
    tf.tidy(() => {
      updates.begin();
      updates.update({ [name]: tf.tensor2d([[gradient]]) }, learningRate);
      return store.variables.get(name)?.dataSync()[0] ?? Number.NaN;
    }),
  );
  updates.dispose();
  store.dispose();
  return seen;
}
