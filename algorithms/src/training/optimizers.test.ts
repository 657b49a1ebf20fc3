/** The first updates of each optimizer, by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import { chooseBackend } from "../kernels/index.js";
import { Optimizer, type OptimizerSettings } from "./optimizers.js";
import { ParameterStore } from "./parameter-store.js";

await chooseBackend("cpu");

/** Values of a parameter that begins at 1 after gradients 2, then -1. */
function twoUpdates(settings: OptimizerSettings): number[] {
  const store = new ParameterStore(createRng(1));
  store.get("x", [1], (values) => values.fill(1));
  const optimizer = new Optimizer(settings, store);
  const seen = [2, -1].map((gradient) =>
    tf.tidy(() => {
      optimizer.begin();
      optimizer.update({ x: tf.tensor1d([gradient]) });
      return store.variables.get("x")?.dataSync()[0] ?? Number.NaN;
    }),
  );
  optimizer.dispose();
  store.dispose();
  return seen;
}

/** float32 has 24 bits: 1e-6 on numbers of about 1. */
function near(seen: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen} for ${expected}`);
}

it("sgd: x - rate g", () => near(twoUpdates({ optimizer: "sgd", learningRate: 0.1, momentum: 0.5 }), [0.8, 0.9]));

it("momentum: v = m v + g, x - rate v", () => {
  near(twoUpdates({ optimizer: "momentum", learningRate: 0.1, momentum: 0.5 }), [0.8, 0.8]);
});

it("adam: bias-corrected moments", () => {
  // m2 = (0.9 * 0.2 - 0.1) / 0.19, v2 = (0.999 * 0.004 + 0.001) / 0.001999
  const second = 0.9 - (0.1 * (0.08 / 0.19)) / Math.sqrt(0.004996 / 0.001999);
  near(twoUpdates({ optimizer: "adam", learningRate: 0.1, momentum: 0 }), [0.9, second]);
});
