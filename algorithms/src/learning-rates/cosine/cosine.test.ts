/** Rates by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { scheduledRate } from "../../conformance/one-learning-rate.js";
import { module } from "./cosine.js";

it("falls along half a cosine, and stays at its end", () => {
  const schedule = module.create({ warmUpShare: 0, finalShare: 0 });
  const rates = [0, 2, 4, 6, 8].map((step) => scheduledRate(schedule, { step, plannedSteps: 8, base: 1 }));
  // A few operations on doubles.
  for (const [i, value] of [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2, 0].entries())
    assert.ok(Math.abs((rates[i] ?? Number.NaN) - value) < 1e-15, `${rates}`);
});
