import assert from "node:assert/strict";
import { test } from "node:test";
import { module } from "./quadratic-samples.js";
import { spec } from "./spec.js";

test("samples differ from each other, and each is the same whenever it is made", () => {
  const options = spec.options.parse({ samples: 3 });
  const request = { options, hyperparameters: {}, seed: 4 };
  const theta = new Float64Array(4).fill(0.3);
  const values = (seed: number) => {
    const task = module.respond({ ...request, seed });
    return [2, 0, 1].map((index) => {
      const { upper, start } = task.sample(index);
      return upper.value(start(theta));
    });
  };
  assert.deepEqual(values(4), values(4));
  assert.equal(new Set([...values(4), ...values(5)]).size, 6);
});
