/** One technique in one step, with values given by hand: for tests of what it does to numbers. */
import { createRng } from "../core/index.js";
import type { MoreGradients, TechniqueHooks } from "../training/contracts/technique.js";
import { StepMemories } from "../training/state/step-memory.js";
import { TechniquePass, type TechniqueStep } from "../training/techniques/technique-set.js";

/** @param values of each hyperparameter: one, or one an example. @param step where it stands; the first batch of one pass by default. */
export function passOf(
  hooks: TechniqueHooks,
  batchSize: number,
  values: Readonly<Record<string, readonly number[]>>,
  seed = 4,
  step: Partial<TechniqueStep> = {},
): TechniquePass {
  const columns = new Map(Object.entries(values).map(([name, column]) => [name, Float32Array.from(column)]));
  return new TechniquePass([{ name: "one", hooks }], {
    ...firstStep(batchSize),
    ...{ rng: createRng(seed), values: columns },
    ...step,
  });
}

/** The first step of a single planned pass over as many rows as a batch has. */
export function firstStep(batchSize: number): TechniqueStep {
  const rows = Int32Array.from({ length: batchSize }, (_, row) => row);
  const length = { rows, trainRows: batchSize, epoch: 0, plannedEpochs: 1 };
  return { step: 0, ...length, rng: createRng(4), memories: new StepMemories(), values: new Map() };
}

/** For gradient transforms that ask for no more gradients. */
export const noMore: MoreGradients = {
  gradientsAt() {
    throw new Error("no more gradients were expected");
  },
};
