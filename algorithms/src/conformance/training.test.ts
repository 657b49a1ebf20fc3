/** Runs the suites of techniques, workloads and procedures over everything that is registered, on the wasm backend. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseBackend } from "../kernels/index.js";
import { encodePredictions } from "../predictions/index.js";
import { learningRates, lossHeads, optimizers, probes, techniques, workloads } from "../training/registry.generated.js";
import {
  loadLearningRate,
  loadLossHead,
  loadOptimizer,
  loadProbe,
  loadTechnique,
  loadWorkload,
} from "../training/setup/find-component.js";
import { procedureNames } from "../training/setup/find-procedure.js";
import type { TrialCase } from "./attempt.js";
import { describeLearningRate } from "./learning-rate.js";
import { describeLossHead } from "./loss-head.js";
import { describeOptimizer } from "./optimizer.js";
import { describeProbe } from "./probe.js";
import { describeProcedure } from "./procedure.js";
import { describeTechnique } from "./technique.js";
import { describeWorkload, type WorkloadCase } from "./workload.js";

await chooseBackend("wasm");

const mnistTechniques = ["dropout", "weight-decay", "input-noise", "label-smoothing", "gradient-clipping"];
const mnistSizes = { trainSize: 80, tuneSize: 48, validSize: 40, batchSize: 16 };
const workloadCases: readonly WorkloadCase[] = [
  { name: "ridge", options: { testSize: 50, batchSize: 8 }, techniques: ["weight-decay", "input-noise"] },
  { name: "mnist-mlp", options: { ...mnistSizes, hiddenUnits: [16, 8] }, techniques: mnistTechniques },
  {
    name: "mnist-cnn",
    options: {
      ...mnistSizes,
      filters: [4, 4],
      hiddenUnits: 8,
      optimizer: "adam",
      normalization: "layer",
      pooling: "average",
    },
    alternatives: [{ pooling: "max", normalization: "none" }],
    techniques: [...mnistTechniques, "affine-augmentation", "color-jitter", "cutout", "input-scaling"],
  },
  {
    name: "moby-dick-lstm",
    options: {
      ...{ trainSize: 80, tuneSize: 48, validSize: 40, testSize: 40, batchSize: 16 },
      ...{ length: 5, embeddingUnits: 6, hiddenUnits: [4, 6], normalization: "layer" },
    },
    techniques: ["locked-dropout", "drop-connect", "embedding-dropout", "activation-penalty", "weight-decay"],
  },
];

/** Predictions of a member for three rows. */
function predictionsInput(member: number): { kind: string; bytes: Uint8Array } {
  const logits = Float32Array.from({ length: 6 }, (_, at) => Math.sin(3 * member + at));
  const rows = { split: "valid" as const, shape: [3, 2], rows: Int32Array.of(0, 1, 2), targets: Int32Array.of(0, 1, 1) };
  return { kind: "predictions-valid", bytes: encodePredictions({ ...rows, logits }, "float32") };
}

const ridge = { workload: "ridge", workloadOptions: { steps: 8, batchSize: 8, testSize: 20 }, techniques: ["weight-decay"] };
const procedureCases: readonly TrialCase[] = [
  { procedure: "fit", ...ridge },
  { procedure: "self-tune", ...ridge, options: { warmUpSteps: 2 } },
  {
    procedure: "stochastic-oracle",
    workload: "hyper-cleaning",
    workloadOptions: { trainSize: 40, validSize: 20, testSize: 20, units: 4, side: 4 },
    options: { steps: 8 },
  },
  { procedure: "combine", workload: "ridge", inputs: Array.from({ length: 8 }, (_, member) => predictionsInput(member)) },
  { procedure: "respond", workload: "quadratic-samples", workloadOptions: { samples: 7 } },
  {
    procedure: "evaluate",
    workload: "synthetic-function",
    workloadOptions: { steps: 7, function: "branin" },
    parameters: { x0: 1, x1: 2 },
  },
];

for (const name of techniques.keys()) describeTechnique(await loadTechnique(name));
for (const name of optimizers.keys()) describeOptimizer(await loadOptimizer(name));
for (const name of learningRates.keys()) describeLearningRate(await loadLearningRate(name));
for (const name of lossHeads.keys()) describeLossHead(await loadLossHead(name));
for (const name of probes.keys()) describeProbe(await loadProbe(name));
for (const one of workloadCases) describeWorkload(one);
for (const trial of procedureCases) describeProcedure(trial);

describe("the suites", () => {
  it("cover everything that is registered", async () => {
    const trained: string[] = [];
    for (const name of workloads.keys()) if ("open" in (await loadWorkload(name))) trained.push(name);
    assert.deepEqual(workloadCases.map(({ name }) => name).sort(), trained.sort());
    assert.deepEqual(procedureCases.map(({ procedure }) => procedure).sort(), [...procedureNames].sort());
  });
});
