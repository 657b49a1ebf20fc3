/** Written by scripts/generate.mjs from the folders: registrations of all components, by name. Do not edit. */
import type { LearningRateSpec, LossHeadSpec, OptimizerSpec } from "../core/index.js";
import { spec as optimizerAdam } from "../optimizers/adam/spec.js";
import { spec as optimizerAdamw } from "../optimizers/adamw/spec.js";
import { spec as optimizerMomentum } from "../optimizers/momentum/spec.js";
import { spec as optimizerSgd } from "../optimizers/sgd/spec.js";
import { spec as learningRateConstant } from "../learning-rates/constant/spec.js";
import { spec as learningRateCosine } from "../learning-rates/cosine/spec.js";
import { spec as learningRateHypergradientDescent } from "../learning-rates/hypergradient-descent/spec.js";
import { spec as learningRateLinear } from "../learning-rates/linear/spec.js";
import { spec as learningRateStep } from "../learning-rates/step/spec.js";
import { spec as lossHeadMeanSquaredError } from "../loss-heads/mean-squared-error/spec.js";
import { spec as lossHeadSoftmaxCrossEntropy } from "../loss-heads/softmax-cross-entropy/spec.js";
import { spec as lossHeadStablemaxCrossEntropy } from "../loss-heads/stablemax-cross-entropy/spec.js";

export const optimizerSpecs: ReadonlyMap<string, OptimizerSpec> = new Map<string, OptimizerSpec>([
  ["adam", optimizerAdam],
  ["adamw", optimizerAdamw],
  ["momentum", optimizerMomentum],
  ["sgd", optimizerSgd],
]);

export const learningRateSpecs: ReadonlyMap<string, LearningRateSpec> = new Map<string, LearningRateSpec>([
  ["constant", learningRateConstant],
  ["cosine", learningRateCosine],
  ["hypergradient-descent", learningRateHypergradientDescent],
  ["linear", learningRateLinear],
  ["step", learningRateStep],
]);

export const lossHeadSpecs: ReadonlyMap<string, LossHeadSpec> = new Map<string, LossHeadSpec>([
  ["mean-squared-error", lossHeadMeanSquaredError],
  ["softmax-cross-entropy", lossHeadSoftmaxCrossEntropy],
  ["stablemax-cross-entropy", lossHeadStablemaxCrossEntropy],
]);
