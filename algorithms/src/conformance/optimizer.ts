/**
 * Conformance suite of an optimizer: state of the shapes that it named and zero at first, a pure update, the same step in place, finite numbers
 * after any gradient, nothing left in memory, and options that a search can move over their whole range.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../core/index.js";
import type { OptimizerModule, OptimizerRule } from "../training/contracts/optimizer.js";
import { parameterInfos } from "../training/state/parameter-info.js";
import { ParameterStore } from "../training/state/parameter-store.js";
import { WeightUpdates } from "../training/trainer/weight-updates.js";
import { checkSettings } from "./training-part.js";

/** A parameter of each role, and shapes with a single number and with none to spare for blocks of four. */
const shapes: ReadonlyMap<string, readonly number[]> = new Map([
  ["words/table", [7, 3]],
  ["norm/gain", [3]],
  ["conv/kernel", [2, 2, 3, 5]],
  ["dense/kernel", [5, 9]],
  ["dense/bias", [9]],
  ["logits/kernel", [9, 1]],
  ["logits/bias", [1]],
]);
const learningRate = 0.01;

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeOptimizer(module: OptimizerModule<unknown>): void {
  const { name, options } = module.spec;
  const rule = module.create(options.parse({}));
  describe(`optimizer ${name}`, () => {
    it("states its settings, each with a range that it takes", () => checkSettings(module.spec));

    it("gives a direction and state of the right shapes, and changes nothing that it was given", () => {
      for (const info of parameterInfos(shapes).values()) {
        tf.tidy(() => {
          const state = Object.fromEntries(
            Object.entries(rule.init(info)).map(([key, shape]) => [key, tf.zeros([...shape])] as const),
          );
          const gradient = filled(info.shape, 1);
          const value = filled(info.shape, 2);
          const before = [gradient, value, ...Object.values(state)].map((tensor) => [...tensor.dataSync()]);
          const next = rule.update(gradient, state, { parameter: info, value, update: 1 });
          assert.deepEqual(next.direction.shape, [...info.shape], info.name);
          assert.deepEqual(Object.keys(next.state).sort(), Object.keys(state).sort());
          for (const [key, tensor] of Object.entries(next.state)) assert.deepEqual(tensor.shape, state[key]?.shape, key);
          assert.deepEqual(
            [gradient, value, ...Object.values(state)].map((tensor) => [...tensor.dataSync()]),
            before,
          );
        });
      }
    });

    it("makes the same steps in place", async () => {
      const pure = await trained({ ...rule, updateInPlace: undefined }, gradientOfStep);
      const inPlace = await trained(rule, gradientOfStep);
      // Ten float32 updates of weights of about 1 in another order of operations: ten roundings of 6e-8 each, and some room.
      for (const [at, value] of pure.entries())
        assert.ok(Math.abs(value - (inPlace[at] ?? Number.NaN)) < 3e-6, `${value} for ${inPlace[at]}`);
    });

    for (const [what, size] of [
      ["zero", 0],
      ["tiny", 1e-25],
      ["huge", 1e15],
    ] as const)
      it(`keeps weights finite under ${what} gradients`, async () => {
        const weights = await trained(rule, (shape, step) => tf.mul(gradientOfStep(shape, step), size));
        assert.ok(weights.every(Number.isFinite));
      });

    it("continues from what it saved, bit for bit", async () => {
      const whole = await trained(rule, gradientOfStep);
      assert.deepEqual(await trained(rule, gradientOfStep, 4), whole);
    });

    it("leaves no tensor behind", async () => {
      await trained(rule, gradientOfStep);
      const before = tf.memory().numTensors;
      await trained(rule, gradientOfStep);
      assert.equal(tf.memory().numTensors, before);
    });
  });
}

type Rule = Omit<OptimizerRule, "updateInPlace"> & { readonly updateInPlace?: OptimizerRule["updateInPlace"] | undefined };

/** All weights after ten steps. @param stopAt a step after which all of it is saved and restored in a new one; absent for never. */
async function trained(
  rule: Rule,
  gradientOf: (shape: readonly number[], step: number) => tf.Tensor,
  stopAt?: number,
): Promise<number[]> {
  const { updateInPlace, ...pure } = rule;
  const whole: OptimizerRule = updateInPlace === undefined ? pure : { ...pure, updateInPlace };
  const store = new ParameterStore(createRng(3));
  for (const [name, shape] of shapes) store.get(name, shape, (values, rng) => rng.fillNormal(values));
  let updates = new WeightUpdates(whole, store);
  for (let step = 0; step < 10; step++) {
    tf.tidy(() => {
      updates.begin();
      const gradients = Object.fromEntries([...shapes].map(([name, shape]) => [name, gradientOf(shape, step)]));
      updates.update(gradients, learningRate);
    });
    if (step !== stopAt) continue;
    const [saved, weights] = [await updates.save(), await store.save()];
    updates.dispose();
    updates = new WeightUpdates(whole, store);
    store.restore(weights);
    updates.restore(saved, step + 1);
  }
  const weights = (await store.save()).flatMap(({ values }) => [...values]);
  updates.dispose();
  store.dispose();
  return weights;
}

function gradientOfStep(shape: readonly number[], step: number): tf.Tensor {
  return filled(shape, 100 + step);
}

function filled(shape: readonly number[], seed: number): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape([...shape]));
  createRng(seed).fillNormal(values);
  return tf.tensor(values, [...shape]);
}
