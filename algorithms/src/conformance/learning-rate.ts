/** Conformance suite of a learning-rate schedule: finite rates from 0 to the base rate or above it, for any length, in proportion to the base rate. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LearningRateModule, RateGradients } from "../training/contracts/learning-rate.js";
import { checkSettings } from "./training-part.js";

/** A step whose gradients are all absent: schedules look at none. */
const noGradients: RateGradients = { gradients: {}, gradientsAt: () => ({}) };

/** Registers the suite with node's test runner. */
export function describeLearningRate(module: LearningRateModule<unknown>): void {
  const { name, options } = module.spec;
  describe(`learning rate ${name}`, () => {
    it("states its settings, each with a range that it takes", () => checkSettings(module.spec));

    for (const plannedSteps of [1, 2, 7, 1000])
      it(`is finite and not negative at every step of ${plannedSteps}, and after them`, () => {
        const schedule = module.create(options.parse({ warmUpShare: 0.3 }));
        for (let step = 0; step < plannedSteps + 5; step++) {
          const rate = schedule.rate({ step, plannedSteps, base: 0.1 }, noGradients);
          assert.ok(Number.isFinite(rate) && rate >= 0 && rate <= 0.1, `${rate} at step ${step}`);
          // Both are a few operations on doubles.
          assert.ok(Math.abs(schedule.rate({ step, plannedSteps, base: 0.2 }, noGradients) - 2 * rate) < 1e-15);
        }
      });

    it("rises in equal parts while it warms up, and begins with the base rate where it does not", () => {
      const [warm, cold] = [module.create(options.parse({ warmUpShare: 0.25 })), module.create(options.parse({}))];
      const rateAt = (step: number) => warm.rate({ step, plannedSteps: 16, base: 1 }, noGradients);
      assert.deepEqual([0, 1, 2, 3, 4].map(rateAt), [0.2, 0.4, 0.6, 0.8, 1]);
      assert.equal(cold.rate({ step: 0, plannedSteps: 16, base: 1 }, noGradients), 1);
    });
  });
}
