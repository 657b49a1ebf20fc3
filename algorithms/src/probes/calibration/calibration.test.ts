/** Each measure against a case worked out by hand, and the probe on digits against the workload's own loss. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { openCase, stepTo } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";
import { areaUnderRiskCoverage, expectedCalibrationError, type Prediction, predictionOf } from "./calibration.js";

await chooseBackend("wasm");

/** A few operations on doubles. */
const near = (seen: number, expected: number) => assert.ok(Math.abs(seen - expected) < 1e-12, `${seen} for ${expected}`);
const prediction = (confidence: number, right: boolean): Prediction => ({ confidence, right, nll: 0 });

it("ECE is the gap of confidence and accuracy in each bin, by how many are in it; a bin holds its upper end", () => {
  const predictions = [prediction(0.6, true), prediction(0.6, false), prediction(0.9, true), prediction(1, true)];
  near(expectedCalibrationError(predictions, 10), (Math.abs(1.2 - 1) + Math.abs(0.9 - 1) + 0) / 4);
  near(expectedCalibrationError([prediction(0.5, true), prediction(0.51, true)], 2), (0.5 + 0.49) / 2);
  near(expectedCalibrationError([prediction(0.5, true), prediction(0.5, false)], 2), 0);
});

it("AURC is the mean error of the most confident, over all coverages", () => {
  near(areaUnderRiskCoverage([prediction(0.5, false), prediction(0.9, true), prediction(0.7, true)]), (0 + 0 + 1 / 3) / 3);
  near(areaUnderRiskCoverage([prediction(0.9, false), prediction(0.5, true)]), (1 + 1 / 2) / 2);
});

it("a prediction's confidence and likelihood are those of the softmax, far from zero too", () => {
  const { confidence, right, nll } = predictionOf(Float32Array.of(1000, 1000 + Math.fround(Math.log(3))), Float32Array.of(1, 0));
  // 1000 + ln 3 is rounded to float32: 6e-5.
  assert.ok(Math.abs(confidence - 0.75) < 1e-4 && Math.abs(nll - Math.log(4)) < 1e-4 && !right);
  near(predictionOf(Float32Array.of(0, 0), Float32Array.of(0.5, 0.5)).nll, Math.log(2));
});

it("both measures lie between 0 and 1, and do not depend on the order of distinct confidences", () => {
  const one = fc.record({ confidence: fc.double({ min: 0.01, max: 1, noNaN: true }), right: fc.boolean(), nll: fc.constant(0) });
  const many = fc.uniqueArray(one, { minLength: 1, maxLength: 40, selector: ({ confidence }) => confidence });
  fc.assert(
    fc.property(many, fc.integer({ min: 2, max: 20 }), (predictions, bins) => {
      for (const measure of [(of: readonly Prediction[]) => expectedCalibrationError(of, bins), areaUnderRiskCoverage]) {
        const value = measure(predictions);
        assert.ok(value >= 0 && value <= 1);
        assert.ok(Math.abs(measure([...predictions].reverse()) - value) < 1e-12);
      }
    }),
  );
});

for (const procedure of ["fit", "self-tune"])
  it(`${procedure} measures it beside the losses, and its likelihood is the workload's loss`, async () => {
    const sizes = { trainSize: 48, tuneSize: 32, validSize: 40, batchSize: 16, hiddenUnits: [8] };
    const session = await openCase({
      ...{ procedure, workload: "mnist-mlp", workloadOptions: sizes, techniques: ["dropout"] },
      probes: ["calibration"],
    });
    await stepTo(session, 5);
    const { metrics } = await session.measure();
    session.close();
    // Losses of the workload are float32.
    assert.ok(Math.abs((metrics.validNll ?? 9) - (metrics.validLoss ?? 0)) < 1e-5);
    assert.ok(Math.abs((metrics.testNll ?? 9) - (metrics.testLoss ?? 0)) < 1e-5);
    for (const name of ["validEce", "testEce", "validAurc", "testAurc"]) assert.ok((metrics[name] ?? -1) >= 0);
  });
