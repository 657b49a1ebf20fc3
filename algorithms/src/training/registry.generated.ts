/** Written by scripts/generate.mjs from the folders: how to load every registered technique, workload, optimizer, learning-rate, loss-head, probe, by name. Do not edit. */
import type { ClosedFormModule, RespondModule, StochasticModule, WorkloadModule } from "./contracts/workload.js";
import type { LearningRateModule } from "./contracts/learning-rate.js";
import type { LossHeadModule } from "./contracts/loss-head.js";
import type { OptimizerModule } from "./contracts/optimizer.js";
import type { ProbeModule } from "./contracts/probe.js";
import type { TechniqueModule } from "./contracts/technique.js";

export const techniques: ReadonlyMap<string, () => Promise<TechniqueModule<unknown>>> = new Map<string, () => Promise<TechniqueModule<unknown>>>([
  ["activation-penalty", async () => (await import("../techniques/activation-penalty/activation-penalty.js")).module],
  ["affine-augmentation", async () => (await import("../techniques/affine-augmentation/affine-augmentation.js")).module],
  ["color-jitter", async () => (await import("../techniques/color-jitter/color-jitter.js")).module],
  ["cutout", async () => (await import("../techniques/cutout/cutout.js")).module],
  ["drop-connect", async () => (await import("../techniques/drop-connect/drop-connect.js")).module],
  ["dropout", async () => (await import("../techniques/dropout/dropout.js")).module],
  ["embedding-dropout", async () => (await import("../techniques/embedding-dropout/embedding-dropout.js")).module],
  ["gradient-clipping", async () => (await import("../techniques/gradient-clipping/gradient-clipping.js")).module],
  ["input-noise", async () => (await import("../techniques/input-noise/input-noise.js")).module],
  ["input-scaling", async () => (await import("../techniques/input-scaling/input-scaling.js")).module],
  ["label-smoothing", async () => (await import("../techniques/label-smoothing/label-smoothing.js")).module],
  ["locked-dropout", async () => (await import("../techniques/locked-dropout/locked-dropout.js")).module],
  ["ps-kd", async () => (await import("../techniques/ps-kd/ps-kd.js")).module],
  ["weight-decay", async () => (await import("../techniques/weight-decay/weight-decay.js")).module],
  ["weight-standardization", async () => (await import("../techniques/weight-standardization/weight-standardization.js")).module],
]);

export const workloads: ReadonlyMap<string, () => Promise<WorkloadModule<unknown> | ClosedFormModule<unknown> | RespondModule<unknown> | StochasticModule<unknown>>> = new Map<string, () => Promise<WorkloadModule<unknown> | ClosedFormModule<unknown> | RespondModule<unknown> | StochasticModule<unknown>>>([
  ["foe-denoising", async () => (await import("../workloads/foe-denoising/foe-denoising.js")).module],
  ["hyper-cleaning", async () => (await import("../workloads/hyper-cleaning/hyper-cleaning.js")).module],
  ["hyper-representation", async () => (await import("../workloads/hyper-representation/hyper-representation.js")).module],
  ["mnist-cnn", async () => (await import("../workloads/mnist-cnn/mnist-cnn.js")).module],
  ["mnist-logistic", async () => (await import("../workloads/mnist-logistic/mnist-logistic.js")).module],
  ["mnist-mlp", async () => (await import("../workloads/mnist-mlp/mnist-mlp.js")).module],
  ["moby-dick-lstm", async () => (await import("../workloads/moby-dick-lstm/moby-dick-lstm.js")).module],
  ["quadratic-samples", async () => (await import("../workloads/quadratic-samples/quadratic-samples.js")).module],
  ["ridge", async () => (await import("../workloads/ridge/ridge.js")).module],
  ["synthetic-function", async () => (await import("../workloads/synthetic-function/synthetic-function.js")).module],
  ["tv-denoising", async () => (await import("../workloads/tv-denoising/tv-denoising.js")).module],
]);

export const optimizers: ReadonlyMap<string, () => Promise<OptimizerModule<unknown>>> = new Map<string, () => Promise<OptimizerModule<unknown>>>([
  ["adam", async () => (await import("../optimizers/adam/adam.js")).module],
  ["adamw", async () => (await import("../optimizers/adamw/adamw.js")).module],
  ["momentum", async () => (await import("../optimizers/momentum/momentum.js")).module],
  ["sgd", async () => (await import("../optimizers/sgd/sgd.js")).module],
]);

export const learningRates: ReadonlyMap<string, () => Promise<LearningRateModule<unknown>>> = new Map<string, () => Promise<LearningRateModule<unknown>>>([
  ["constant", async () => (await import("../learning-rates/constant/constant.js")).module],
  ["cosine", async () => (await import("../learning-rates/cosine/cosine.js")).module],
  ["hypergradient-descent", async () => (await import("../learning-rates/hypergradient-descent/hypergradient-descent.js")).module],
  ["linear", async () => (await import("../learning-rates/linear/linear.js")).module],
  ["step", async () => (await import("../learning-rates/step/step.js")).module],
]);

export const lossHeads: ReadonlyMap<string, () => Promise<LossHeadModule<unknown>>> = new Map<string, () => Promise<LossHeadModule<unknown>>>([
  ["mean-squared-error", async () => (await import("../loss-heads/mean-squared-error/mean-squared-error.js")).module],
  ["softmax-cross-entropy", async () => (await import("../loss-heads/softmax-cross-entropy/softmax-cross-entropy.js")).module],
  ["stablemax-cross-entropy", async () => (await import("../loss-heads/stablemax-cross-entropy/stablemax-cross-entropy.js")).module],
]);

export const probes: ReadonlyMap<string, () => Promise<ProbeModule<unknown>>> = new Map<string, () => Promise<ProbeModule<unknown>>>([
  ["calibration", async () => (await import("../probes/calibration/calibration.js")).module],
  ["gradient-noise", async () => (await import("../probes/gradient-noise/gradient-noise.js")).module],
]);
