/** Rows by index on wasm against cpu, and an index outside. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { onBoth } from "../against-cpu.js";
import { chooseBackend } from "../backend.js";

before(() => chooseBackend("wasm"));

for (const [shape, axis] of [[[9, 5], 0], [[3, 9], 1], [[2, 9, 7], 1], [[9], 0], [[2, 3, 9], -1]] as const) // biome-ignore format: pairs
  for (const dtype of ["float32", "int32"] as const)
    test(`gather along axis ${axis} of ${dtype} [${shape}] is cpu's`, async () => {
      const { wasm, cpu } = await onBoth(() => {
        const x = tf.cast(tf.randomUniform([...shape], -50, 50, "float32", 1), dtype);
        return tf.gather(x, tf.randomUniform([4, 2], 0, 9, "int32", 2), axis);
      });
      assert.deepEqual(wasm, cpu);
    });

test("an index outside is refused with what was seen and expected, and nothing is left behind", () => {
  const [x, ids] = [tf.zeros([5, 3]), tf.tensor1d([0, 4, 5], "int32")];
  const before = tf.engine().backend.numDataIds();
  assert.throws(() => tf.gather(x, ids), /saw index 5 at position 2, expected 0 to 4/);
  assert.equal(tf.engine().backend.numDataIds(), before);
});
