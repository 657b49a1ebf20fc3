/** Rates, means, and one mask over time. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./locked-dropout.js";

await chooseBackend("cpu");

const units = 10_000;
for (const seed of [1, 2, 3])
  it(`drops each example's share of units, for the whole sequence, seed ${seed}`, () => {
    const rates = [0, 0.3, 0.9];
    const values = { lockedInputDropout: [0], lockedHiddenDropout: rates, lockedOutputDropout: [0.5] };
    const pass = passOf(module.create({}), 3, values, seed);
    tf.tidy(() => {
      const x = tf.ones([3, 2, units]);
      assert.equal(pass.atSite(x, { name: "a", kind: "input" }), x, "nothing is done at rate 0");
      const flat = tf.ones([3, 5]);
      assert.equal(pass.atSite(flat, { name: "a", kind: "hidden" }), flat, "nor without a time axis");
      const y = pass.atSite(x, { name: "b", kind: "hidden" }).dataSync();
      for (const [row, rate] of rates.entries()) {
        const [first, second] = [0, 1].map((time) => y.slice((2 * row + time) * units, (2 * row + time + 1) * units));
        assert.deepEqual(first, second, "one mask over time");
        const dropped = (first ?? y).filter((value) => value === 0).length / units;
        // Four standard errors of ten thousand draws.
        assert.ok(Math.abs(dropped - rate) <= 4 * Math.sqrt((rate * (1 - rate)) / units), `${dropped} for ${rate}`);
        for (const value of first ?? []) assert.ok(value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-6);
      }
      const tangent = tf.randomNormal(x.shape, 0, 1, "float32", seed);
      const site = { name: "b", kind: "hidden" } as const;
      const twice = pass.atSite(tangent, site);
      assert.deepEqual(twice.dataSync(), tf.mul(tangent, pass.atSite(x, site)).dataSync(), "a tangent gets the same mask");
      const other = pass.atSite(x, { name: "c", kind: "hidden" }).dataSync();
      assert.notDeepEqual(other, y, "another site has another mask");
    });
  });
