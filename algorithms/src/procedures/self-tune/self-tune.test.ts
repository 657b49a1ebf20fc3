/**
 * The whole procedure on tfjs where the answer is known in closed form: ridge regression whose penalty is learned inside training. Beside it,
 * what the session reports and refuses.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { createRng } from "../../core/index.js";
import { ridgeLoss, ridgeWeights } from "../../data/ridge-problem.js";
import { chooseBackend } from "../../kernels/index.js";
import { ridgeSplits } from "../../workloads/ridge/ridge.js";
import { spec as ridge } from "../../workloads/ridge/spec.js";

await chooseBackend("wasm");

const workloadOptions = { trainSize: 30, tuneSize: 200, testSize: 20, batchSize: 200, optimizer: "momentum", learningRate: 0.02 };
const trial: TrialCase = {
  procedure: "self-tune",
  workload: "ridge",
  workloadOptions,
  techniques: ["weight-decay"],
  untilStep: 3000,
  options: { warmUpSteps: 200, trainSteps: 5, hyperLearningRate: 0.02 },
};

it("moves the penalty to where the closed form has its best", async () => {
  const session = await openCase(trial);
  const before = (await session.measure()).learned.weightDecay ?? Number.NaN;
  await stepTo(session, 3000);
  const { learned, scales, hypergradients } = await session.measure();
  session.close();
  const splits = ridgeSplits(ridge.options.parse(workloadOptions), createRng(1));
  const loss = (penalty: number) => ridgeLoss(splits.tune, ridgeWeights(splits.train, penalty));
  // The technique's own range ends at 1e-2, far below the best penalty of this problem: the loss falls all the way to it.
  assert.ok(loss(1e-2) < loss(1e-3));
  assert.ok(before < 2e-4 && (learned.weightDecay ?? 0) > 3e-3, `from ${before} to ${learned.weightDecay}`);
  assert.ok((hypergradients.weightDecay ?? 1) < 0, "and the hypergradient still points there");
  assert.ok((scales.weightDecay ?? 0) >= 1e-3 && (scales.weightDecay ?? 9) <= 3);
});

it("starts where it is told, and holds what it is given", async () => {
  const started = await openCase({ ...trial, options: { initial: { weightDecay: 1e-3 }, scale: 0.25 } });
  const { learned, scales } = await started.measure();
  started.close();
  assert.ok(Math.abs((learned.weightDecay ?? 0) / 1e-3 - 1) < 1e-9, "the coordinate and back, in doubles");
  assert.ok(Math.abs((scales.weightDecay ?? 0) / 0.25 - 1) < 1e-9);

  const nothing = openCase({ ...trial, parameters: { weightDecay: 1e-3 } });
  await assert.rejects(nothing, (error) => error instanceof RegulusError && error.code === "failed-precondition");
});

it("jitters only what it takes from another trial", async () => {
  const first = await openCase(trial);
  await stepTo(first, 5);
  const [checkpoint, measured] = [await first.save(), await first.measure()];
  first.close();
  const options = { ...trial.options, jitter: 1 };
  const same = await openCase({ ...trial, options }, checkpoint);
  const other = await openCase({ ...trial, options, seed: 2 }, checkpoint);
  assert.deepEqual((await same.measure()).learned, measured.learned);
  assert.notDeepEqual((await other.measure()).learned, measured.learned);
  same.close();
  other.close();
});
