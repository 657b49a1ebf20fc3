/** Written by scripts/generate.mjs from the folders: what every registered component says of itself, by name. Do not edit. */
import type { LearningRateSpec, OptimizerSpec } from "../core/index.js";
import { spec as optimizerAdam } from "../optimizers/adam/spec.js";
import { spec as optimizerAdamw } from "../optimizers/adamw/spec.js";
import { spec as optimizerMomentum } from "../optimizers/momentum/spec.js";
import { spec as optimizerSgd } from "../optimizers/sgd/spec.js";
import { spec as learningRateConstant } from "../learning-rates/constant/spec.js";
import { spec as learningRateCosine } from "../learning-rates/cosine/spec.js";
import { spec as learningRateLinear } from "../learning-rates/linear/spec.js";
import { spec as learningRateStep } from "../learning-rates/step/spec.js";

export const optimizerSpecs: ReadonlyMap<string, OptimizerSpec> = new Map<string, OptimizerSpec>([
  ["adam", optimizerAdam],
  ["adamw", optimizerAdamw],
  ["momentum", optimizerMomentum],
  ["sgd", optimizerSgd],
]);

export const learningRateSpecs: ReadonlyMap<string, LearningRateSpec> = new Map<string, LearningRateSpec>([
  ["constant", learningRateConstant],
  ["cosine", learningRateCosine],
  ["linear", learningRateLinear],
  ["step", learningRateStep],
]);
