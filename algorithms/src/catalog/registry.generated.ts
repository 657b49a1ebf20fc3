/** Written by scripts/generate.mjs from the folders: registrations of all components, by name. Do not edit. */
import type { DiagnosticSpec, ProbeSpec, ProcedureSpec, StrategySpec, TechniqueSpec, WorkloadSpec } from "../core/index.js";
import { spec as strategyAsha } from "../strategies/asha/spec.js";
import { spec as strategyBoRep } from "../strategies/bo-rep/spec.js";
import { spec as strategyEnsemble } from "../strategies/ensemble/spec.js";
import { spec as strategyGrid } from "../strategies/grid/spec.js";
import { spec as strategyHoag } from "../strategies/hoag/spec.js";
import { spec as strategyMaid } from "../strategies/maid/spec.js";
import { spec as strategyRandom } from "../strategies/random/spec.js";
import { spec as strategySelfTuningNetwork } from "../strategies/self-tuning-network/spec.js";
import { spec as strategySobol } from "../strategies/sobol/spec.js";
import { spec as procedureCombine } from "../procedures/combine/spec.js";
import { spec as procedureCommand } from "../procedures/command/spec.js";
import { spec as procedureEvaluate } from "../procedures/evaluate/spec.js";
import { spec as procedureFit } from "../procedures/fit/spec.js";
import { spec as procedureRespond } from "../procedures/respond/spec.js";
import { spec as procedureSelfTune } from "../procedures/self-tune/spec.js";
import { spec as procedureStochasticOracle } from "../procedures/stochastic-oracle/spec.js";
import { spec as techniqueActivationPenalty } from "../techniques/activation-penalty/spec.js";
import { spec as techniqueAffineAugmentation } from "../techniques/affine-augmentation/spec.js";
import { spec as techniqueColorJitter } from "../techniques/color-jitter/spec.js";
import { spec as techniqueCutout } from "../techniques/cutout/spec.js";
import { spec as techniqueDropConnect } from "../techniques/drop-connect/spec.js";
import { spec as techniqueDropout } from "../techniques/dropout/spec.js";
import { spec as techniqueEmbeddingDropout } from "../techniques/embedding-dropout/spec.js";
import { spec as techniqueGradientClipping } from "../techniques/gradient-clipping/spec.js";
import { spec as techniqueInputNoise } from "../techniques/input-noise/spec.js";
import { spec as techniqueInputScaling } from "../techniques/input-scaling/spec.js";
import { spec as techniqueLabelSmoothing } from "../techniques/label-smoothing/spec.js";
import { spec as techniqueLockedDropout } from "../techniques/locked-dropout/spec.js";
import { spec as techniquePsKd } from "../techniques/ps-kd/spec.js";
import { spec as techniqueWeightDecay } from "../techniques/weight-decay/spec.js";
import { spec as techniqueWeightStandardization } from "../techniques/weight-standardization/spec.js";
import { spec as workloadFoeDenoising } from "../workloads/foe-denoising/spec.js";
import { spec as workloadHyperCleaning } from "../workloads/hyper-cleaning/spec.js";
import { spec as workloadHyperRepresentation } from "../workloads/hyper-representation/spec.js";
import { spec as workloadMnistCnn } from "../workloads/mnist-cnn/spec.js";
import { spec as workloadMnistLogistic } from "../workloads/mnist-logistic/spec.js";
import { spec as workloadMnistMlp } from "../workloads/mnist-mlp/spec.js";
import { spec as workloadMobyDickLstm } from "../workloads/moby-dick-lstm/spec.js";
import { spec as workloadQuadraticSamples } from "../workloads/quadratic-samples/spec.js";
import { spec as workloadRidge } from "../workloads/ridge/spec.js";
import { spec as workloadSyntheticFunction } from "../workloads/synthetic-function/spec.js";
import { spec as workloadTvDenoising } from "../workloads/tv-denoising/spec.js";
import { spec as probeCalibration } from "../probes/calibration/spec.js";
import { spec as probeGradientNoise } from "../probes/gradient-noise/spec.js";
import { spec as diagnosticHypergradientWatch } from "../diagnostics/hypergradient-watch/spec.js";
import { spec as diagnosticScaleWatch } from "../diagnostics/scale-watch/spec.js";

export const strategySpecs: ReadonlyMap<string, StrategySpec> = new Map<string, StrategySpec>([
  ["asha", strategyAsha],
  ["bo-rep", strategyBoRep],
  ["ensemble", strategyEnsemble],
  ["grid", strategyGrid],
  ["hoag", strategyHoag],
  ["maid", strategyMaid],
  ["random", strategyRandom],
  ["self-tuning-network", strategySelfTuningNetwork],
  ["sobol", strategySobol],
]);

export const procedureSpecs: ReadonlyMap<string, ProcedureSpec> = new Map<string, ProcedureSpec>([
  ["combine", procedureCombine],
  ["command", procedureCommand],
  ["evaluate", procedureEvaluate],
  ["fit", procedureFit],
  ["respond", procedureRespond],
  ["self-tune", procedureSelfTune],
  ["stochastic-oracle", procedureStochasticOracle],
]);

export const techniqueSpecs: ReadonlyMap<string, TechniqueSpec> = new Map<string, TechniqueSpec>([
  ["activation-penalty", techniqueActivationPenalty],
  ["affine-augmentation", techniqueAffineAugmentation],
  ["color-jitter", techniqueColorJitter],
  ["cutout", techniqueCutout],
  ["drop-connect", techniqueDropConnect],
  ["dropout", techniqueDropout],
  ["embedding-dropout", techniqueEmbeddingDropout],
  ["gradient-clipping", techniqueGradientClipping],
  ["input-noise", techniqueInputNoise],
  ["input-scaling", techniqueInputScaling],
  ["label-smoothing", techniqueLabelSmoothing],
  ["locked-dropout", techniqueLockedDropout],
  ["ps-kd", techniquePsKd],
  ["weight-decay", techniqueWeightDecay],
  ["weight-standardization", techniqueWeightStandardization],
]);

export const workloadSpecs: ReadonlyMap<string, WorkloadSpec> = new Map<string, WorkloadSpec>([
  ["foe-denoising", workloadFoeDenoising],
  ["hyper-cleaning", workloadHyperCleaning],
  ["hyper-representation", workloadHyperRepresentation],
  ["mnist-cnn", workloadMnistCnn],
  ["mnist-logistic", workloadMnistLogistic],
  ["mnist-mlp", workloadMnistMlp],
  ["moby-dick-lstm", workloadMobyDickLstm],
  ["quadratic-samples", workloadQuadraticSamples],
  ["ridge", workloadRidge],
  ["synthetic-function", workloadSyntheticFunction],
  ["tv-denoising", workloadTvDenoising],
]);

export const probeSpecs: ReadonlyMap<string, ProbeSpec> = new Map<string, ProbeSpec>([
  ["calibration", probeCalibration],
  ["gradient-noise", probeGradientNoise],
]);

export const diagnosticSpecs: ReadonlyMap<string, DiagnosticSpec> = new Map<string, DiagnosticSpec>([
  ["hypergradient-watch", diagnosticHypergradientWatch],
  ["scale-watch", diagnosticScaleWatch],
]);
