/** Rates by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { scheduledRate } from "../../conformance/one-learning-rate.js";
import { module } from "./linear.js";

it("falls by equal parts to its final share, and stays there", () => {
  const schedule = module.create({ warmUpShare: 0, finalShare: 0.1 });
  const rates = [0, 2, 4, 6, 8].map((step) => scheduledRate(schedule, { step, plannedSteps: 8, base: 1 }));
  // A few operations on doubles.
  for (const [i, value] of [1, 0.775, 0.55, 0.325, 0.1].entries())
    assert.ok(Math.abs((rates[i] ?? Number.NaN) - value) < 1e-15, `${rates}`);
});
