/** Plain training comes to the weights that are known in closed form, and says so when it diverges. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { createRng } from "../../core/index.js";
import { ridgeLoss, ridgeWeights } from "../../data/ridge-problem.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/procedure.js";
import { ridgeSplits } from "../../workloads/ridge/ridge.js";
import { spec as ridge } from "../../workloads/ridge/spec.js";

await chooseBackend("wasm");

const penalty = 0.3;
const trial: TrialCase = {
  procedure: "fit",
  workload: "ridge",
  techniques: [{ name: "weight-decay", options: { weightDecay: penalty } }],
  untilStep: 400,
};

for (const optimizer of ["sgd", "momentum", "adam"]) {
  it(`comes to the closed form's losses with ${optimizer}`, async () => {
    const session = await openCase({ ...trial, parameters: { optimizer, learningRate: 0.05, momentum: 0.8 } });
    await stepTo(session, 400);
    const { metrics } = await session.measure();
    session.close();
    const splits = ridgeSplits(ridge.options.parse({}), createRng(1));
    const weights = ridgeWeights(splits.train, penalty);
    // Losses of about 1 in float32, after far more steps than the slowest direction (penalty 0.3, rate 0.05) needs: 0.985^400 = 2e-3 of
    // an error that enters squared.
    for (const [name, split] of [
      ["trainLoss", splits.train],
      ["validLoss", splits.valid],
      ["testLoss", splits.test],
    ] as const) {
      assert.ok(Math.abs((metrics[name] ?? Number.NaN) / ridgeLoss(split, weights) - 1) < 2e-3, `${name} ${metrics[name]}`);
    }
  });
}

it("reports divergence as a trial that failed", async () => {
  const session = await openCase({ ...trial, parameters: { optimizer: "sgd", learningRate: 100 } });
  await stepTo(session, 60);
  await assert.rejects(session.measure(), (error) => error instanceof TrialFailure && error.reason === "diverged");
  session.close();
});

it("goes on from another trial's weights with new parameters", async () => {
  const first = await openCase({ ...trial, parameters: { learningRate: 0.05 } });
  await stepTo(first, 10);
  const [checkpoint, measured] = [await first.save(), await first.measure()];
  first.close();
  const second = await openCase({ ...trial, seed: 2, parameters: { learningRate: 0.01 } }, checkpoint);
  assert.deepEqual(await second.measure(), measured);
  second.close();
});
