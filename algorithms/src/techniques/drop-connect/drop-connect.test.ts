/** The share of weights that is dropped, and which weights. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./drop-connect.js";

await chooseBackend("cpu");

const kernel = { name: "lstm", kind: "recurrent", shape: [50, 200] } as const;
for (const seed of [1, 2, 3])
  it(`drops its share of recurrent weights and keeps the mean, seed ${seed}`, () => {
    tf.tidy(() => {
      const rate = 0.3;
      const pass = passOf(module.create({}), 4, { dropConnect: [rate] }, seed);
      const mask = pass.maskOf(kernel);
      assert.deepEqual(mask?.shape, [50, 200]);
      const values = mask?.dataSync() ?? new Float32Array(0);
      const dropped = values.filter((value) => value === 0).length / values.length;
      // Four standard errors of ten thousand draws.
      assert.ok(Math.abs(dropped - rate) <= 4 * Math.sqrt((rate * (1 - rate)) / values.length), `${dropped} for ${rate}`);
      for (const value of values) assert.ok(value === 0 || Math.abs(value * (1 - rate) - 1) < 1e-6);
      assert.deepEqual(pass.maskOf(kernel)?.dataSync(), values, "one mask in a step");
      assert.notDeepEqual(pass.maskOf({ ...kernel, name: "other" })?.dataSync(), values);
    });
  });

it("leaves embeddings alone, and everything at rate 0", () => {
  const at = (rate: number) => passOf(module.create({}), 4, { dropConnect: [rate] });
  assert.equal(at(0.5).maskOf({ name: "words", kind: "embedding", shape: [9, 1] }), undefined);
  assert.equal(at(0).maskOf(kernel), undefined);
});
