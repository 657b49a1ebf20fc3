/** Rates, means and scales of what dropout leaves. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./dropout.js";

await chooseBackend("cpu");

it("drops each example's share and keeps the mean", () => {
  const rates = [0, 0.3, 0.9];
  const pass = passOf(module.create({}), 3, { inputDropout: [0], hiddenDropout: rates });
  tf.tidy(() => {
    const x = tf.ones([3, 10_000]);
    assert.equal(pass.atSite(x, { name: "a", kind: "input" }), x, "nothing is done at rate 0");
    const y = pass.atSite(x, { name: "b", kind: "hidden" }).dataSync();
    for (const [row, rate] of rates.entries()) {
      const values = [...y.slice(row * 10_000, (row + 1) * 10_000)];
      const dropped = values.filter((value) => value === 0).length / 10_000;
      // Four standard errors of ten thousand draws.
      assert.ok(Math.abs(dropped - rate) <= 4 * Math.sqrt((rate * (1 - rate)) / 10_000), `${dropped} for ${rate}`);
      for (const value of values) assert.ok(value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-6);
    }
  });
});

it("draws another mask at each site, and an option fixes a rate", () => {
  const pass = passOf(module.create({}), 1, { inputDropout: [0.5], hiddenDropout: [0.5] });
  tf.tidy(() => {
    const mask = (name: string) => pass.atSite(tf.ones([1, 100]), { name, kind: "hidden" }).dataSync();
    assert.deepEqual(mask("a"), mask("a"));
    assert.notDeepEqual(mask("a"), mask("b"));
  });
  const left = module.spec.hyperparameters(module.spec.options.parse({ inputDropout: 0.2 }));
  assert.deepEqual(
    left.map(({ parameter }) => parameter.name),
    ["hiddenDropout"],
  );
});
