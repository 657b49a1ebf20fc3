/** Filters begin with mean 0 and norm 1, the field contains total variation, and MAID lowers its certified loss from there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "../../core/index.js";
import { answerSample } from "../../solvers/answer-sample.js";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { maid } from "../../solvers/maid/maid.js";
import { maidOptions } from "../../solvers/maid/options.js";
import { fieldsOfExperts } from "../../solvers/problems/fields-of-experts.js";
import { totalVariation } from "../../solvers/problems/total-variation.js";
import { spec as tvSpec } from "../tv-denoising/spec.js";
import { module as totalVariationWorkload } from "../tv-denoising/tv-denoising.js";
import { module, startOfExperts } from "./foe-denoising.js";
import { spec } from "./spec.js";

test("filters begin as an orthonormal cosine basis without its constant, and random ones follow", () => {
  const options = spec.options.parse({ filters: 10, side: 3, logWeight: -2, logSmoothing: -3 });
  const theta = startOfExperts(options, createRng(1));
  assert.deepEqual([...theta.subarray(0, 21)], [0, ...Array(10).fill(-2), ...Array(10).fill(-3)]);
  const filters = Array.from({ length: 10 }, (_, k) => theta.subarray(21 + 9 * k, 30 + 9 * k));
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, one, i) => sum + one * (b[i] ?? 0), 0);
  for (const [k, filter] of filters.entries()) {
    assert.ok(Math.abs(filter.reduce((sum, one) => sum + one, 0)) < 1e-12);
    for (const [l, other] of filters.entries())
      if (k === l) assert.ok(Math.abs(dot(filter, other) - 1) < 1e-12);
      else if (k < 8 && l < 8) assert.ok(Math.abs(dot(filter, other)) < 1e-12);
  }
});

test("with two difference filters it is total variation, edges included", () => {
  const size = 12;
  const pixels = new Float64Array(size * size);
  createRng(2).fillNormal(pixels);
  const image = { width: size, height: size, pixels };
  const [weight, smoothing] = [-1, -2];
  const options = spec.options.parse({ filters: 2, start: "differences", logWeight: weight, logSmoothing: smoothing });
  const theta = startOfExperts(options, createRng(1));
  const [x, out, expected] = [new Float64Array(size * size), new Float64Array(size * size), new Float64Array(size * size)];
  createRng(3).fillNormal(x);
  fieldsOfExperts(image, { filters: 2, side: 3 }).gradient(x, theta, out);
  totalVariation(image).gradient(x, Float64Array.of(weight, smoothing), expected);
  for (const [pixel, value] of expected.entries()) assert.ok(Math.abs((out[pixel] ?? 9) - value) < 1e-12, `pixel ${pixel}`);
});

test("with two difference filters it denoises as total variation does", () => {
  for (const seed of [1, 2, 3]) {
    const [weight, smoothing] = [-2, -3];
    const shared = { count: 1, size: 32, images: "piecewise-constant" };
    const start = { filters: 2, start: "differences", logWeight: weight, logSmoothing: smoothing };
    const experts = module.respond({ options: spec.options.parse({ ...shared, ...start }), hyperparameters: {}, seed });
    const hyperparameters = { logWeight: weight, logSmoothing: smoothing };
    const variation = totalVariationWorkload.respond({ options: tvSpec.options.parse(shared), hyperparameters, seed });
    const psnrs = [experts, variation].map((task) => {
      const [sample, theta] = [task.sample(0), task.theta];
      const { answer } = answerSample(sample, { theta: [...theta], accuracy: 1e-5, commit: false }, { x: sample.start(theta) });
      return answer.metrics?.psnr ?? 0;
    });
    // Both are within 1e-5 of one minimizer, from a truth that is some 0.5 away: 2 * 1e-5 / 0.5 * 8.7 dB.
    const [one = 0, other = 99] = psnrs;
    assert.ok(Math.abs(one - other) < 1e-3, `seed ${seed}: ${psnrs.join(" ")}`);
  }
});

test("MAID along l-bfgs lowers the certified loss and raises PSNR", () => {
  for (const seed of [1, 2, 3]) {
    const options = spec.options.parse({ count: 2, size: 14, images: "piecewise-constant", filters: 4 });
    const task = module.respond({ options, hyperparameters: {}, seed });
    const samples = Array.from({ length: task.samples }, (_, index) => task.sample(index));
    const options2 = maidOptions.parse({ steps: 6, direction: "l-bfgs", accuracy: 0.03, residual: 0.03 });
    const state = maid.init(options2, { theta: [...task.theta], samples: samples.length });
    const psnrs: number[] = [];
    let last = Number.POSITIVE_INFINITY;
    driveLocally(maid, state, {
      samples,
      onRecord({ accepted, metrics }) {
        if (!accepted) return false;
        assert.ok((metrics.upperBound ?? 0) <= last);
        last = metrics.upperBound ?? 0;
        psnrs.push(metrics.psnr ?? 0);
        return false;
      },
    });
    assert.equal(state.step, 6, state.finished?.message);
    assert.ok((psnrs.at(-1) ?? 0) > (psnrs[0] ?? 99), `seed ${seed}: ${psnrs.join(" ")}`);
  }
});
