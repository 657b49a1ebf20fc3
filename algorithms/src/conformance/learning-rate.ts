/**
 * Conformance suite of a learning rate. Of a schedule: finite rates from 0 to the base rate, for any length, in proportion to the base rate. Of a
 * controller: finite rates under any gradients, all that it knows of earlier steps in its memory, and trials that resume bit for bit.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { LearningRateModule } from "../training/contracts/learning-rate.js";
import { StepMemories } from "../training/state/step-memory.js";
import { openCase, refused, stepTo } from "./attempt.js";
import { scheduledRate } from "./one-learning-rate.js";
import { checkSettings } from "./training-part.js";

const digits = { trainSize: 48, tuneSize: 32, validSize: 40, batchSize: 16, hiddenUnits: [8] };

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeLearningRate(module: LearningRateModule<unknown>): void {
  const { name, controller } = module.spec;
  describe(`learning rate ${name}`, () => {
    it("states its settings, each with a range that it takes", () => checkSettings(module.spec));
    if (controller === true) controllerTests(module);
    else scheduleTests(module);
  });
}

function scheduleTests(module: LearningRateModule<unknown>): void {
  const { options } = module.spec;
  for (const plannedSteps of [1, 2, 7, 1000])
    it(`is finite and not negative at every step of ${plannedSteps}, and after them`, () => {
      const schedule = module.create(options.parse({ warmUpShare: 0.3 }));
      for (let step = 0; step < plannedSteps + 5; step++) {
        const rate = scheduledRate(schedule, { step, plannedSteps, base: 0.1 });
        assert.ok(Number.isFinite(rate) && rate >= 0 && rate <= 0.1, `${rate} at step ${step}`);
        // Both are a few operations on doubles.
        assert.ok(Math.abs(scheduledRate(schedule, { step, plannedSteps, base: 0.2 }) - 2 * rate) < 1e-15);
      }
    });

  it("rises in equal parts while it warms up, and begins with the base rate where it does not", () => {
    const [warm, cold] = [module.create(options.parse({ warmUpShare: 0.25 })), module.create(options.parse({}))];
    const rateAt = (step: number) => scheduledRate(warm, { step, plannedSteps: 16, base: 1 });
    assert.deepEqual([0, 1, 2, 3, 4].map(rateAt), [0.2, 0.4, 0.6, 0.8, 1]);
    assert.equal(scheduledRate(cold, { step: 0, plannedSteps: 16, base: 1 }), 1);
  });
}

function controllerTests(module: LearningRateModule<unknown>): void {
  const { name } = module.spec;
  for (const [what, size] of [
    ["usual", 1],
    ["zero", 0],
    ["tiny", 1e-25],
    ["huge", 1e15],
    ["infinite", Number.POSITIVE_INFINITY],
  ] as const)
    it(`is finite and not negative under ${what} gradients`, () => {
      for (const rate of ratesOf(module, { size })) assert.ok(Number.isFinite(rate) && rate >= 0, `${rate}`);
    });

  it("knows of earlier steps what its memory holds, and nothing else", () => {
    const whole = ratesOf(module, { size: 1 });
    for (const movedAfter of [0, 1, 4]) assert.deepEqual(ratesOf(module, { size: 1, movedAfter }), whole);
  });

  for (const [what, trial] of Object.entries({
    fit: { procedure: "fit", options: {} },
    stn: { procedure: "self-tune", options: { variant: "stn", warmUpSteps: 0 } },
    "delta-stn": { procedure: "self-tune", options: { variant: "delta-stn", warmUpSteps: 0, guardEverySteps: 2 } },
  }))
    it(`resumes under ${what} bit for bit`, async () => {
      const own = { ...trial, workload: "mnist-mlp", workloadOptions: { ...digits, learningRateSchedule: name } };
      const one = { ...own, techniques: ["dropout"] };
      if (await refused(module.spec, one)) return;
      const [whole, stopped] = [await openCase(one), await openCase(one)];
      await stepTo(whole, 6);
      await stepTo(stopped, 3);
      const resumed = await openCase(one, await stopped.save());
      await stepTo(resumed, 6);
      assert.deepEqual(await resumed.save(), await whole.save());
      for (const session of [whole, stopped, resumed]) session.close();
    });
}

/** Rates of ten steps. @param movedAfter a step after which a new controller goes on with what the memory saved; absent for none. */
function ratesOf(module: LearningRateModule<unknown>, { size, movedAfter }: { size: number; movedAfter?: number }): number[] {
  const { name, options } = module.spec;
  let [controller, memories] = [module.create(options.parse({})), new StepMemories()];
  return Array.from({ length: 10 }, (_, step) =>
    tf.tidy(() => {
      const gradient = (shape: number[], seed: number) => tf.mul(tf.randomNormal(shape, 0.5, 1, "float32", seed), size);
      const gradients = { "a/kernel": gradient([3, 4], 10 + step), "a/bias": gradient([4], 50 + step) };
      const rate = controller.rate(
        { step, plannedSteps: 10, base: 0.1, memory: memories.of(name, "learning-rate") },
        { gradients, gradientsAt: () => gradients },
      );
      if (step === movedAfter) {
        const saved = memories.save();
        [controller, memories] = [module.create(options.parse({})), new StepMemories()];
        memories.restore(saved);
      }
      return rate;
    }),
  );
}
