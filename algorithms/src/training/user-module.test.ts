/** The documented example of a user's own module trains under both procedures, resumes exactly and learns. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { openCase, stepTo, type TrialCase } from "../conformance/attempt.js";
import { chooseBackend } from "../kernels/index.js";

await chooseBackend("wasm");

const root = resolve(fileURLToPath(import.meta.url), "../../../..");
const trial = {
  workload: resolve(root, "examples/module/two-moons.mjs"),
  techniques: ["dropout", "weight-decay"],
  untilStep: 200,
};

for (const [procedure, options] of [
  ["fit", {}],
  ["self-tune", { warmUpSteps: 50 }],
] as const) {
  it(`the example module learns under ${procedure}, and resumes exactly`, async () => {
    const one: TrialCase = { ...trial, procedure, options, parameters: { learningRate: 0.05 } };
    const whole = await openCase(one);
    await stepTo(whole, 100);
    const checkpoint = await whole.save();
    await stepTo(whole, 200);
    const measured = await whole.measure();
    whole.close();
    const resumed = await openCase(one, checkpoint);
    await stepTo(resumed, 200);
    assert.deepEqual(await resumed.measure(), measured);
    resumed.close();
    // Half of the points lie in each moon; measured 0.03 and 0.05.
    assert.ok((measured.metrics.testError ?? 1) < 0.12, `${measured.metrics.testError}`);
  });
}
