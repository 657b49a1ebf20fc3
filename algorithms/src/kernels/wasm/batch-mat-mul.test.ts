/** Products on wasm with our kernels against the cpu backend, for every combination of transposes, ranks and broadcasts. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth, relativeGap } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

/** float32 sums of up to 60 products in another order: each term is good to 6e-8, so 1e-5 is 20 times what chance gives. */
const TOLERANCE = 1e-5;

for (const transposeA of [false, true])
  for (const transposeB of [false, true])
    for (const [batchA, batchB] of [
      [[], []],
      [[3], [3]],
      [[1], [4]],
      [
        [2, 3],
        [2, 3],
      ],
    ])
      test(`matMul ${transposeA ? "T" : "N"}${transposeB ? "T" : "N"} [${batchA}] x [${batchB}] is cpu's`, async () => {
        const { wasm, cpu } = await onBoth(() => {
          const a = tf.randomNormal([...(batchA ?? []), ...(transposeA ? [37, 13] : [13, 37])], 0, 1, "float32", 1);
          const b = tf.randomNormal([...(batchB ?? []), ...(transposeB ? [29, 37] : [37, 29])], 0, 1, "float32", 2);
          return tf.matMul(a, b, transposeA, transposeB);
        });
        assert.ok(relativeGap(wasm, cpu) < TOLERANCE, `gap ${relativeGap(wasm, cpu)}`);
      });
