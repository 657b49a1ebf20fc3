/** Views over views: layers see them in the search's order, and first values of kernels are what they are without views. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import type { KernelView } from "../contracts/technique.js";
import { kernelViews } from "./kernel-views.js";
import { infosOf } from "./parameter-info.js";
import { ParameterStore, uniformFanIn } from "./parameter-store.js";

await chooseBackend("cpu");

const cubed: KernelView = {
  seen: (kernel) => tf.mul(kernel, tf.square(kernel)),
  invert: (values) => void values.set(values.map(Math.cbrt)),
};
const doubled: KernelView = {
  seen: (kernel, { group }) => (group === "last" ? undefined : tf.mul(kernel, 2)),
  invert: (values, { group }) => void (group === "last" || values.set(values.map((v) => v / 2))),
};
const names = ["a/kernel", "a/bias", "a/response/kernel", "b/kernel"];

function storeOf(view?: ReturnType<typeof kernelViews>): ParameterStore {
  const store = new ParameterStore(createRng(4), view);
  for (const name of names) store.get(name, [2, 3], uniformFanIn(2));
  return store;
}

it("first values that layers see are those without views, and no other parameter is viewed", () => {
  tf.tidy(() => {
    const plain = storeOf();
    const viewed = storeOf(kernelViews([cubed, doubled], infosOf(plain)));
    for (const name of names) {
      const [seen, trained, expected] = [
        viewed.get(name, [2, 3], uniformFanIn(2)),
        viewed.variables.get(name),
        plain.variables.get(name),
      ];
      // A root and its cube in float32: a few roundings of numbers below 1.
      for (const [i, value] of (expected?.dataSync() ?? []).entries())
        assert.ok(Math.abs((seen.dataSync()[i] ?? Number.NaN) - value) < 1e-6, `${name}[${i}]`);
      const isViewed = name.endsWith("/kernel") && !name.includes("response");
      assert.equal(trained === seen, !isViewed, name);
    }
    plain.dispose();
    viewed.dispose();
  });
});

it("a gradient is by what is trained, through all views", () => {
  tf.tidy(() => {
    const plain = storeOf();
    const store = storeOf(kernelViews([cubed, doubled], infosOf(plain)));
    const gradients = store.gradients(() => tf.sum<tf.Scalar>(store.get("a/kernel", [2, 3], uniformFanIn(2))));
    const trained = [...(store.variables.get("a/kernel")?.dataSync() ?? [])];
    // d (2 v^3) / d v.
    for (const [i, value] of [...(gradients["a/kernel"]?.dataSync() ?? [])].entries())
      assert.ok(Math.abs(value - 6 * (trained[i] ?? Number.NaN) ** 2) < 1e-5, `${value} at ${trained[i]}`);
    plain.dispose();
    store.dispose();
  });
});
