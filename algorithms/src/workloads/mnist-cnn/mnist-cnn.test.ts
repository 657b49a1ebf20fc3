/** The convolutional network learns to read digits, under fixed and under learned hyperparameters. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { openCase, stepTo } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";

await chooseBackend("wasm");

for (const [procedure, more] of [
  ["fit", {}],
  ["self-tune", {}],
  ["fit", { normalization: "layer", pooling: "average" }],
] as const) {
  it(`learns to read digits under ${procedure} with ${JSON.stringify(more)}`, async () => {
    const workloadOptions = {
      trainSize: 1000,
      tuneSize: 200,
      validSize: 500,
      filters: [8, 8],
      hiddenUnits: 32,
      batchSize: 32,
      ...more,
    };
    const options = procedure === "self-tune" ? { warmUpSteps: 40 } : {};
    const session = await openCase({
      procedure,
      workload: "mnist-cnn",
      workloadOptions,
      techniques: ["weight-decay"],
      options,
      untilStep: 80,
    });
    await stepTo(session, 80);
    const { metrics } = await session.measure();
    session.close();
    // Measured 0.13, 0.13 and 0.10; guessing gives 0.9.
    assert.ok((metrics.validError ?? 1) < 0.25, `${metrics.validError}`);
  });
}
