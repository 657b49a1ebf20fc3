/** Rates by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { scheduledRate } from "../../conformance/one-learning-rate.js";
import { module } from "./step.js";

it("falls at a half and three quarters of the planned steps, and no further", () => {
  const schedule = module.create({ warmUpShare: 0, firstDropShare: 0.5, drops: 2, dropFactor: 0.5 });
  const rates = [0, 2, 4, 6, 8].map((step) => scheduledRate(schedule, { step, plannedSteps: 8, base: 1 }));
  // A few operations on doubles.
  for (const [i, value] of [1, 1, 0.5, 0.25, 0.25].entries())
    assert.ok(Math.abs((rates[i] ?? Number.NaN) - value) < 1e-15, `${rates}`);
});
