/** Two updates by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { twoUpdates } from "../../conformance/one-optimizer.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./adam.js";
import { spec } from "./spec.js";

await chooseBackend("cpu");

it("bias-corrected moments", () => {
  const seen = twoUpdates(module.create(spec.options.parse({})), [2, -1], 0.1);
  // m2 = (0.9 * 0.2 - 0.1) / 0.19, v2 = (0.999 * 0.004 + 0.001) / 0.001999
  const second = 0.9 - (0.1 * (0.08 / 0.19)) / Math.sqrt(0.004996 / 0.001999);
  // float32 has 24 bits: 1e-6 on numbers of about 1
  for (const [i, value] of [0.9, second].entries()) assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen}`);
});

it("takes its settings: without memory it is the gradient over its size and epsilon", () => {
  const seen = twoUpdates(module.create({ beta1: 0, beta2: 0, epsilon: 1 }), [3, -1], 0.1);
  for (const [i, value] of [1 - 0.1 * (3 / 4), 1 - 0.1 * (3 / 4) + 0.1 * (1 / 2)].entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen}`);
});
