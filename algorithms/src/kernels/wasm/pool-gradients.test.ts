/** Gradients of pooling on wasm against the cpu backend, with ties, overlaps and padding. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

/** At most nine float32 terms a sum, in another order. */
const TOLERANCE = 1e-6;

const cases = [
  { shape: [2, 6, 6, 4], size: 2, strides: 2, pad: "valid" },
  { shape: [2, 7, 5, 6], size: 3, strides: 2, pad: "same" },
  { shape: [1, 5, 6, 3], size: 3, strides: 1, pad: "same" },
  { shape: [3, 8, 7, 5], size: 3, strides: 2, pad: "valid" },
] as const;

for (const [kind, poolOf] of [["maxPool", tf.maxPool], ["avgPool", tf.avgPool]] as const) // biome-ignore format: pairs
  for (const { shape, size, strides, pad } of cases)
    test(`${kind} gradient, x [${shape}] windows of ${size} by ${strides} ${pad}, is cpu's`, async () => {
      const { wasm, cpu } = await onBoth(() => {
        // Whole numbers from 0 to 4: most windows have several largest elements, of which the first counts.
        const x = tf.cast(tf.randomUniform<tf.Rank.R4>([...shape], 0, 5, "int32", 1), "float32");
        const pool = (at: tf.Tensor): tf.Tensor => poolOf(tf.reshape<tf.Rank.R4>(at, [...shape]), size, strides, pad);
        return tf.grad(pool)(x, tf.randomNormal(pool(x).shape, 0, 1, "float32", 2));
      });
      assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
    });
