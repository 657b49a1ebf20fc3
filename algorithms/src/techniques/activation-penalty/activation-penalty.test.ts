/** The penalties by hand, where they act, and their gradients. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "./activation-penalty.js";

await chooseBackend("cpu");

const output = { name: "output", kind: "output" } as const;
const numberOf = (x: tf.Tensor) => x.dataSync()[0] ?? Number.NaN;

it("is alpha times the mean square of outputs and beta times that of changes", () => {
  tf.tidy(() => {
    const before = tf.tensor3d([1, 2, 4, 2, 0, 1, 0, 5], [2, 2, 2]);
    const after = tf.tensor3d([0, 4, 0, 4, 0, 0, 0, 2], [2, 2, 2]);
    const at = (activationPenalty: number, temporalPenalty: number, kind: "hidden" | "output" = "output") => {
      const values = { activationPenalty: [activationPenalty], temporalPenalty: [temporalPenalty] };
      const pass = passOf(module.create({}), 2, values);
      pass.observe({ before, after }, { name: "one", kind });
      return numberOf(pass.penalize(tf.scalar(1), []));
    };
    // (16 + 16 + 4) / 8, and changes 3, 0, 0, 4: (9 + 16) / 4. Exact in float32.
    assert.equal(at(2, 0), 1 + 2 * 4.5);
    assert.equal(at(0, 2), 1 + 2 * 6.25);
    assert.equal(at(2, 2), 1 + 2 * (4.5 + 6.25));
    assert.equal(at(2, 2, "hidden"), 1, "other sites are left alone");
  });
});

it("counts each forward pass once, and needs a time axis for changes alone", () => {
  tf.tidy(() => {
    const pass = passOf(module.create({}), 2, { activationPenalty: [1], temporalPenalty: [1] });
    const x = tf.ones([2, 3]);
    for (let forward = 0; forward < 2; forward++) {
      pass.observe({ before: x, after: x }, output);
      assert.equal(numberOf(pass.penalize(tf.scalar(1), [])), 2);
    }
  });
});

it("has the gradient 2 alpha x / numbers", () => {
  tf.tidy(() => {
    const pass = passOf(module.create({}), 1, { activationPenalty: [3], temporalPenalty: [0] });
    const penalty = (x: tf.Tensor) => {
      pass.observe({ before: x, after: x }, output);
      return pass.penalize(tf.scalar(0), []);
    };
    assert.deepEqual(
      [
        ...tf
          .grad(penalty)(tf.tensor2d([[1, -2, 0]]))
          .dataSync(),
      ],
      [2, -4, 0],
    );
  });
});
