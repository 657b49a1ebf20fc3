/** Two updates by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { twoUpdates } from "../../conformance/one-optimizer.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./sgd.js";

await chooseBackend("cpu");

it("x - rate g", () => {
  const seen = twoUpdates(module.create({}), [2, -1], 0.1);
  // float32 has 24 bits: 1e-6 on numbers of about 1
  for (const [i, value] of [0.8, 0.9].entries()) assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen}`);
});
