/** What each technique does to numbers, beside what the conformance suite asks of all: rates, means, norms. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import { chooseBackend } from "../kernels/index.js";
import { TrialFailure } from "../training/procedure.js";
import { TechniquePass } from "../training/technique-set.js";
import { module as dropout } from "./dropout/dropout.js";
import { module as clipping } from "./gradient-clipping/gradient-clipping.js";
import { module as noise } from "./input-noise/input-noise.js";
import { module as smoothing } from "./label-smoothing/label-smoothing.js";
import { module as decay } from "./weight-decay/weight-decay.js";

await chooseBackend("cpu");

function pass(hooks: ReturnType<typeof dropout.create>, batchSize: number, values: Record<string, number[]>): TechniquePass {
  const columns = new Map(Object.entries(values).map(([name, column]) => [name, Float32Array.from(column)]));
  return new TechniquePass([{ name: "one", hooks }], { step: 0, batchSize, rng: createRng(4), values: columns });
}

it("dropout drops each example's share and keeps the mean", () => {
  const rates = [0, 0.3, 0.9];
  const at = pass(dropout.create({}), 3, { inputDropout: [0], hiddenDropout: rates });
  tf.tidy(() => {
    const x = tf.ones([3, 10_000]);
    assert.equal(at.atSite(x, { name: "a", kind: "input" }), x, "nothing is done at rate 0");
    const y = at.atSite(x, { name: "b", kind: "hidden" }).dataSync();
    for (const [row, rate] of rates.entries()) {
      const values = [...y.slice(row * 10_000, (row + 1) * 10_000)];
      const dropped = values.filter((value) => value === 0).length / 10_000;
      // Four standard errors of ten thousand draws.
      assert.ok(Math.abs(dropped - rate) <= 4 * Math.sqrt((rate * (1 - rate)) / 10_000), `${dropped} for ${rate}`);
      for (const value of values) assert.ok(value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-6);
    }
  });
});

it("input noise has each example's deviation, and refuses tokens", () => {
  const at = pass(noise.create({}), 2, { inputNoise: [0, 0.5] });
  tf.tidy(() => {
    const y = at.inputs(tf.zeros([2, 10_000])).dataSync<"float32">();
    assert.ok(y.slice(0, 10_000).every((value) => value === 0));
    const deviation = Math.sqrt(y.slice(10_000).reduce((sum, value) => sum + value ** 2, 0) / 10_000);
    assert.ok(Math.abs(deviation - 0.5) < (4 * 0.5) / Math.sqrt(20_000), `${deviation}: four standard errors`);
    assert.throws(() => at.inputs(tf.zeros([2, 3], "int32")), TrialFailure);
  });
});

it("label smoothing gives its share to all classes alike, and refuses numbers to regress on", () => {
  const at = pass(smoothing.create({}), 2, { labelSmoothing: [0, 0.2] });
  tf.tidy(() => {
    const y = at.targets(tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0], [2, 4])).dataSync();
    for (const [i, value] of [1, 0, 0, 0, 0.05, 0.85, 0.05, 0.05].entries()) assert.ok(Math.abs((y[i] ?? 9) - value) < 1e-6);
    assert.throws(() => at.targets(tf.zeros([2, 1])), TrialFailure);
  });
});

it("weight decay penalizes kernels alone, by half the strength", () => {
  const at = pass(decay.create({}), 2, { weightDecay: [0.5] });
  tf.tidy(() => {
    const weights = (["kernel", "bias", "embedding"] as const).map((kind) => ({ name: kind, kind, value: tf.tensor1d([1, 2]) }));
    assert.ok(Math.abs((at.penalize(tf.scalar(1), weights).dataSync()[0] ?? 0) - 2.25) < 1e-6);
  });
});

it("clipping shortens to the norm and leaves shorter gradients alone", () => {
  const norms = (clipNorm: number) =>
    tf.tidy(() => {
      const gradients = pass(clipping.create({}), 2, { clipNorm: [clipNorm] }).gradients({
        a: tf.tensor1d([3]),
        b: tf.tensor1d([0, 4]),
      });
      return [...(gradients.a?.dataSync() ?? []), ...(gradients.b?.dataSync() ?? [])];
    });
  for (const [i, value] of [0.6, 0, 0.8].entries()) assert.ok(Math.abs((norms(1)[i] ?? 9) - value) < 1e-6);
  assert.deepEqual(norms(10), [3, 0, 4]);
});
