/** The order in which an update acts: direction, what acts on it, rate, decay; state is kept, saved and restored. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import { type OptimizerRule, stateOf } from "../contracts/optimizer.js";
import { ParameterStore } from "../state/parameter-store.js";
import { type ActOnDirections, WeightUpdates } from "./weight-updates.js";

await chooseBackend("cpu");

/** Direction: the sum of all gradients so far. Kernels shrink. */
const summing: OptimizerRule = {
  init: ({ shape }) => ({ sum: shape }),
  update(gradient, state) {
    const sum = tf.add(stateOf(state, "sum"), gradient);
    return { direction: sum, state: { sum } };
  },
  decay: ({ role }) => (role === "kernel" ? 0.5 : 0),
};

function updated(store: ParameterStore, updates: WeightUpdates, gradient: number, act?: ActOnDirections): number[] {
  return tf.tidy(() => {
    updates.begin();
    const gradients = Object.fromEntries([...store.variables.keys()].map((name) => [name, tf.tensor1d([gradient])]));
    updates.update(gradients, 0.1, act);
    return [...store.variables.values()].map((variable) => variable.dataSync()[0] ?? Number.NaN);
  });
}

function storeOfTwo(): ParameterStore {
  const store = new ParameterStore(createRng(1));
  for (const name of ["a/kernel", "a/bias"]) store.get(name, [1], (values) => values.fill(1));
  return store;
}

/** float32 has 24 bits: 1e-6 on numbers of about 1. */
function near(seen: readonly number[], expected: readonly number[]): void {
  assert.equal(seen.length, expected.length);
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs((seen[i] ?? Number.NaN) - value) < 1e-6, `${seen} for ${expected}`);
}

it("a weight shrinks by decay times rate, then loses the rate times the direction", () => {
  const store = storeOfTwo();
  const updates = new WeightUpdates(summing, store);
  near(updated(store, updates, 2), [0.95 - 0.2, 1 - 0.2]);
  near(updated(store, updates, 1), [0.75 * 0.95 - 0.3, 0.8 - 0.3]);
  assert.equal(updates.updates, 2);
});

it("what acts on directions sees all of them before any weight moves, and the state stays the optimizer's", () => {
  const store = storeOfTwo();
  const updates = new WeightUpdates(summing, store);
  const before: number[] = [];
  const halved: ActOnDirections = (directions) => {
    assert.deepEqual(Object.keys(directions), ["a/kernel", "a/bias"]);
    before.push(...[...store.variables.values()].map((variable) => variable.dataSync()[0] ?? Number.NaN));
    return Object.fromEntries(Object.entries(directions).map(([name, one]) => [name, tf.div(one, 2)]));
  };
  near(updated(store, updates, 2, halved), [0.95 - 0.1, 0.9]);
  near(updated(store, updates, 0, halved), [0.85 * 0.95 - 0.1, 0.8]);
  near(before, [1, 1, 0.85, 0.9]);
});

it("continues from what it saved as if it had not stopped", async () => {
  const store = storeOfTwo();
  const updates = new WeightUpdates(summing, store);
  updated(store, updates, 2);
  const saved = await updates.save();
  assert.deepEqual(
    saved.map(({ name }) => name),
    ["sum/a/kernel", "sum/a/bias"],
  );
  const weights = await store.save();
  const expected = updated(store, updates, 3);
  store.restore(weights);
  const other = new WeightUpdates(summing, store);
  other.restore(saved, 1);
  assert.deepEqual(updated(store, other, 3), expected);
  assert.equal(other.updates, 2);
});
