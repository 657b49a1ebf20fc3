/** What layers see: by hand on a small kernel, and in every kind of layers that procedures use. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import { DualLayers } from "../../procedures/self-tune/dual-layers.js";
import { DualNetwork } from "../../procedures/self-tune/dual-network.js";
import { HyperLayers } from "../../procedures/self-tune/hyper-layers.js";
import type { Network, Signal } from "../../training/contracts/network.js";
import { PlainLayers } from "../../training/network/plain-layers.js";
import { TensorNetwork } from "../../training/network/tensor-network.js";
import { kernelViews } from "../../training/state/kernel-views.js";
import { infosOf } from "../../training/state/parameter-info.js";
import { ParameterStore } from "../../training/state/parameter-store.js";
import { module } from "./weight-standardization.js";

await chooseBackend("cpu");

const response = { responseDeviation: 1 };
const norm = 1.5;
const view = module.create({ standardizedNorm: norm }).view?.(() => Number.NaN);
assert.ok(view !== undefined);

const forward = (net: Network, x: Signal) => {
  const images = net.conv2d("conv", x, { filters: 3, kernel: 2 });
  return net.dense("last", net.dense("dense", net.flatten(images), { units: 4 }), { units: 2 });
};

it("is the definition on numbers", () => {
  tf.tidy(() => {
    const info = { name: "a/kernel", shape: [3, 2], role: "kernel", group: "features", response: false } as const;
    const seen = view.seen(tf.tensor2d([[1, 5], [2, 5], [6, 5]]), { ...info, matrix: { rows: 3, columns: 2 } }); // biome-ignore format: rows
    // Centred [-2, -1, 3] has norm sqrt(14); equal weights are centred to 0.
    const expected = [-2, 0, -1, 0, 3, 0].map((v) => (norm * v) / Math.sqrt(14));
    for (const [i, value] of (seen?.dataSync() ?? []).entries())
      assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-6, `${value} for ${expected[i]}`);
  });
});

const layers = {
  plain: (store: ParameterStore) => new PlainLayers(store),
  "reacting, one h for all": (store: ParameterStore) => new HyperLayers(store, tf.zeros([1, 2]), response),
  "reacting, an h an example": (store: ParameterStore) => new HyperLayers(store, tf.zeros([3, 2]), response),
  dual: (store: ParameterStore) => new DualLayers(store, tf.zeros([3, 2]), response),
} as const;

for (const [what, made] of Object.entries(layers))
  it(`holds in ${what} layers, and leaves the last one and biases alone`, () => {
    tf.tidy(() => {
      const run = (store: ParameterStore) => {
        const used = made(store);
        const x = tf.randomNormal([3, 3, 3, 2], 0, 1, "float32", 1);
        forward(used instanceof DualLayers ? new DualNetwork(used) : new TensorNetwork(used), x);
        return used.weights();
      };
      const plain = new ParameterStore(createRng(1));
      run(plain);
      const store = new ParameterStore(createRng(1), kernelViews([view], infosOf(plain)));
      for (const { name, value } of run(store)) {
        const trained = store.variables.get(name);
        assert.ok(trained !== undefined);
        if (name !== "conv/kernel" && name !== "dense/kernel") {
          assert.deepEqual([...value.dataSync()], [...trained.dataSync()], name);
          continue;
        }
        const columns = tf.reshape(value, [-1, value.shape.at(-1) ?? 1]);
        // Sums of up to 36 float32 products.
        for (const mean of tf.mean(columns, 0).dataSync()) assert.ok(Math.abs(mean) < 1e-6, `${name}: mean ${mean}`);
        for (const seen of tf.norm(columns, 2, 0).dataSync()) assert.ok(Math.abs(seen - norm) < 1e-5, `${name}: norm ${seen}`);
      }
      plain.dispose();
      store.dispose();
    });
  });
