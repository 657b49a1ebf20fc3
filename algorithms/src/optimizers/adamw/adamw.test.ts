/** Decoupled decay by hand, and what does not decay. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { twoUpdates } from "../../conformance/one-optimizer.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./adamw.js";

await chooseBackend("cpu");
const settings = { beta1: 0, beta2: 0, epsilon: 1, decoupledWeightDecay: 2 };

it("kernels shrink by decay times rate beside Adam's step, whose moments never see the decay", () => {
  const seen = twoUpdates(module.create(settings), [3, -1], 0.1, "dense/kernel");
  const first = 0.8 - 0.1 * (3 / 4);
  // float32 has 24 bits: 1e-6 on numbers of about 1
  for (const [i, value] of [first, 0.8 * first + 0.1 * (1 / 2)].entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen}`);
});

for (const name of ["dense/bias", "norm/gain", "words/table", "dense/response/kernel"])
  it(`${name} does not decay`, () => {
    const plain = twoUpdates(module.create({ ...settings, decoupledWeightDecay: 0 }), [3, -1], 0.1, name);
    assert.deepEqual(twoUpdates(module.create(settings), [3, -1], 0.1, name), plain);
  });
