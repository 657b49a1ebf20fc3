/** The deviation of the noise, and inputs that can't have any. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./input-noise.js";

await chooseBackend("cpu");

it("has each example's deviation, and refuses tokens", () => {
  const pass = passOf(module.create({}), 2, { inputNoise: [0, 0.5] });
  tf.tidy(() => {
    const y = pass.inputs(tf.zeros([2, 10_000])).dataSync<"float32">();
    assert.ok(y.slice(0, 10_000).every((value) => value === 0));
    const deviation = Math.sqrt(y.slice(10_000).reduce((sum, value) => sum + value ** 2, 0) / 10_000);
    assert.ok(Math.abs(deviation - 0.5) < (4 * 0.5) / Math.sqrt(20_000), `${deviation}: four standard errors`);
    assert.throws(() => pass.inputs(tf.zeros([2, 3], "int32")), TrialFailure);
  });
});
