/** Plain training comes to the weights that are known in closed form, and says so when it diverges. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { createRng, encodeSchedule } from "../../core/index.js";
import { ridgeLoss, ridgeWeights } from "../../data/ridge-problem.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
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

const scheduled: TrialCase = { ...trial, techniques: ["weight-decay", "input-noise"], parameters: { learningRate: 0.05 } };
const file = (steps: number[], values: Record<string, number[]>) => {
  return { kind: "schedule", bytes: encodeSchedule({ steps, values, format: "regulus-schedule" }) };
};

it("replays a schedule: what it trains is what a trial trains whose parameters are changed by hand at those steps", async () => {
  const schedule = file([0, 5, 9], { weightDecay: [0.3, 0.01, 1], inputNoise: [0, 0.5, 0.1] });
  const replayed = await openCase({ ...scheduled, inputs: [schedule] });
  await stepTo(replayed, 12);
  const expected = await replayed.save();
  assert.deepEqual((await replayed.measure()).learned, { weightDecay: 1, inputNoise: Math.fround(0.1) });
  replayed.close();
  let checkpoint: Uint8Array | undefined;
  for (const [until, weightDecay, inputNoise] of [
    [5, 0.3, 0],
    [9, 0.01, 0.5],
    [12, 1, 0.1],
  ] as const) {
    const part = await openCase({ ...scheduled, parameters: { learningRate: 0.05, weightDecay, inputNoise } }, checkpoint);
    await stepTo(part, until);
    checkpoint = await part.save();
    part.close();
  }
  assert.deepEqual(checkpoint, expected);
});

it("stopped between two rows and resumed, it replays the same bits; a schedule of strangers is refused", async () => {
  const schedule = file([0, 5, 9], { weightDecay: [0.3, 0.01, 1] });
  const whole = await openCase({ ...scheduled, inputs: [schedule] });
  await stepTo(whole, 12);
  const first = await openCase({ ...scheduled, inputs: [schedule] });
  await stepTo(first, 7);
  const second = await openCase({ ...scheduled, inputs: [schedule] }, await first.save());
  await stepTo(second, 12);
  assert.deepEqual(await second.save(), await whole.save());
  for (const session of [whole, first, second]) session.close();
  await assert.rejects(
    openCase({ ...scheduled, inputs: [file([0], { hiddenDropout: [0.1] })] }),
    /moves hiddenDropout, expected/,
  );
});

it("continues from another trial's weights with new parameters", async () => {
  const first = await openCase({ ...trial, parameters: { learningRate: 0.05 } });
  await stepTo(first, 10);
  const [checkpoint, measured] = [await first.save(), await first.measure()];
  first.close();
  const second = await openCase({ ...trial, seed: 2, parameters: { learningRate: 0.01 } }, checkpoint);
  assert.deepEqual(await second.measure(), measured);
  second.close();
});
