/** Data hyper-cleaning on MNIST: the images of a search's seed, and the problem of solvers/problems/hyper-cleaning.ts on them. */
import { noisyDigits } from "../../data/noisy-digits.js";
import { createHyperCleaning } from "../../solvers/problems/hyper-cleaning.js";
import type { StochasticModule } from "../../training/contracts/workload.js";
import { type HyperCleaningOptions, spec } from "./spec.js";

export const module: StochasticModule<HyperCleaningOptions> = {
  spec,
  stochastic: ({ options, seed }) => createHyperCleaning(noisyDigits(options, seed), { ...options, seed }),
};
