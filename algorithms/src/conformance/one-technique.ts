/** One technique in one step, with values given by hand: for tests of what it does to numbers. */
import { createRng } from "../core/index.js";
import type { TechniqueHooks } from "../training/technique.js";
import { TechniquePass } from "../training/technique-set.js";

/** @param values of each hyperparameter: one, or one an example. */
export function passOf(
  hooks: TechniqueHooks,
  batchSize: number,
  values: Readonly<Record<string, readonly number[]>>,
  seed = 4,
): TechniquePass {
  const columns = new Map(Object.entries(values).map(([name, column]) => [name, Float32Array.from(column)]));
  return new TechniquePass([{ name: "one", hooks }], { step: 0, batchSize, rng: createRng(seed), values: columns });
}
