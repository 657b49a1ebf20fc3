/** Images are the same for every shard, noise is what was asked for, MAID improves PSNR with certified steps, and the picture is a PNG of the images. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PNG } from "pngjs";
import { driveLocally } from "../../solvers/maid/drive-locally.js";
import { maid } from "../../solvers/maid/maid.js";
import { maidOptions } from "../../solvers/maid/options.js";
import { spec } from "./spec.js";
import { module } from "./tv-denoising.js";

const hyperparameters = { logWeight: -5, logSmoothing: -5 };
const open = (options: object, seed = 1) => module.respond({ options: spec.options.parse(options), hyperparameters, seed });

test("an image depends on seed and number alone, and its noise has the energy asked for", () => {
  const [first, shifted] = [open({ count: 3, size: 64 }), open({ count: 2, size: 64, offset: 1 })];
  for (const index of [0, 1]) {
    const [one, other] = [first.sample(index + 1), shifted.sample(index)];
    const theta = Float64Array.of(-5, -5);
    assert.deepEqual(one.start(theta), other.start(theta));
    // 10 log10 of the energy of 4096 squared normal numbers: its deviation is 4.34 sqrt(2 / 4096) = 0.1 dB; five of them.
    assert.ok(Math.abs((one.metrics?.(one.start(theta), theta).psnr ?? 0) - 20) < 0.5);
  }
  const values = [1, 2].map((seed) => open({ count: 1, size: 64 }, seed).sample(0).start(Float64Array.of(0, 0))[0]);
  assert.notEqual(values[0], values[1]);
});

for (const upper of ["squared-error", "psnr"] as const)
  test(`MAID finds weights that denoise by more than 2 dB, upper loss ${upper}`, () => {
    for (const seed of [1, 2, 3]) {
      const task = open({ count: 3, size: 20, images: "piecewise-constant", upper }, seed);
      const samples = Array.from({ length: task.samples }, (_, index) => task.sample(index));
      const stepLength = upper === "psnr" ? 1 : 0.1;
      const state = maid.init(maidOptions.parse({ steps: 15, stepLength }), { theta: [...task.theta], samples: samples.length });
      let psnr = 0;
      let last = Number.POSITIVE_INFINITY;
      driveLocally(maid, state, {
        samples,
        onRecord({ accepted, metrics }) {
          if (!accepted) return false;
          assert.ok((metrics.upperBound ?? 0) <= last, "certified losses never rise");
          last = metrics.upperBound ?? 0;
          psnr = metrics.psnr ?? 0;
          return false;
        },
      });
      assert.ok(psnr > 22, `seed ${seed}: ${psnr} dB after ${state.step} steps: ${state.finished?.message}`);
    }
  });

test("the picture shows noisy, denoised and true images side by side, a row a sample", () => {
  const task = open({ count: 5, size: 24 });
  const [file] = task.results?.(new Map([3, 4].map((index) => [index, new Float64Array(24 * 24).fill(0.5)] as const))) ?? [];
  assert.equal(file?.kind, "image");
  const { width, height, data } = PNG.sync.read(Buffer.from(file?.bytes ?? []));
  assert.deepEqual([width, height], [3 * 24 + 4, 2 * 24 + 2]);
  const grey = (x: number, y: number) => data[4 * (y * width + x)] ?? 0;
  assert.equal(grey(26 + 5, 7), 128);
  const noisy = task.sample(4).start(Float64Array.of(0, 0));
  assert.equal(grey(3, 26 + 2), Math.round(255 * Math.min(1, Math.max(0, noisy[2 * 24 + 3] ?? 0))));
  // Each row with its PSNR, in the file itself: what the sample says of the same pixels.
  const psnr = (index: number, x: Float64Array) => task.sample(index).metrics?.(x, Float64Array.of(0, 0)).psnr?.toFixed(2);
  const words = [3, 4].map((index) => {
    const before = psnr(index, task.sample(index).start(Float64Array.of(0, 0)));
    return `image ${index}: noisy ${before} dB, denoised ${psnr(index, new Float64Array(24 * 24).fill(0.5))} dB`;
  });
  assert.ok(Buffer.from(file?.bytes ?? []).includes(`tEXtDescription\0${words.join("\n")}`), words.join());
});
