/** Where softmax collapses in float32 and stablemax does not: section (d) 2 of the paper's replication notes, by hand. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { lossesOf } from "../../conformance/one-loss-head.js";
import { chooseBackend } from "../../kernels/index.js";
import { module as softmax } from "../softmax-cross-entropy/softmax-cross-entropy.js";
import { module } from "./stablemax-cross-entropy.js";

await chooseBackend("wasm");

/** Ten classes, of which the first, the target's, leads by so much. */
const leading = (lead: number) => [Array.from({ length: 10 }, (_, i) => (i === 0 ? lead : 0))];
const target = leading(1);

const slopeOf = (head: typeof module, lead: number) =>
  tf.tidy(() => {
    const losses = (z: tf.Tensor) => tf.sum(head.create({}).losses(z, tf.tensor2d(target)));
    return (
      tf
        .grad(losses)(tf.tensor2d(leading(lead)))
        .dataSync()[0] ?? Number.NaN
    );
  });

it("keeps a loss and a gradient at leads at which softmax has none", () => {
  assert.equal(lossesOf(softmax, leading(25), target)[0], 0);
  assert.equal(slopeOf(softmax, 25), 0);
  // s(25) = 26 and s(0) = 1: -log(26 / 35), and (26 / 35 - 1) / 26. A few float32 operations.
  assert.ok(Math.abs((lossesOf(module, leading(25), target)[0] ?? Number.NaN) - Math.log(35 / 26)) < 1e-6);
  assert.ok(Math.abs(slopeOf(module, 25) + 9 / 35 / 26) < 1e-7);
});

it("has the slope of softmax where all outputs are 0", () => {
  // (p - 1) / (1 + 0), p = 1 / 10.
  assert.ok(Math.abs(slopeOf(module, 0) + 0.9) < 1e-6);
});
