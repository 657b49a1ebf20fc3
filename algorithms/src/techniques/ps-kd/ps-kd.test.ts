/** Targets by hand over three passes, and targets that can't be mixed. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { StepMemories } from "../../training/state/step-memory.js";
import { module } from "./ps-kd.js";

await chooseBackend("cpu");

/** A batch of two of a split's four rows, in one pass of four. */
function passAt(memories: StepMemories, epoch: number, rows: readonly number[]) {
  const at = { memories, epoch, plannedEpochs: 4, trainRows: 4, rows: Int32Array.from(rows) };
  return passOf(module.create({}), 2, { selfDistillation: [0.8] }, 1, at);
}

/** float32 */
function near(seen: ArrayLike<number>, expected: readonly number[]): void {
  assert.equal(seen.length, expected.length);
  for (const [i, value] of expected.entries()) assert.ok(Math.abs((seen[i] ?? 9) - value) < 1e-6, `${seen[i]} for ${value}`);
}

it("a target is its own until its row was predicted, then the latest prediction mixes in, more with every pass", () => {
  tf.tidy(() => {
    const memories = new StepMemories();
    const targets = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    // Logits 0 and ln 3: a quarter and three quarters.
    const outputs = tf.tensor2d([0, Math.log(3), 0, 0], [2, 2]);
    const first = passAt(memories, 0, [3, 1]);
    near(first.targets(targets).dataSync(), [1, 0, 0, 1]);
    first.remember({ outputs, targets });
    // In the second pass of four the share is 0.8 * 2/4; row 3 stands second now, row 0 was never seen.
    near(passAt(memories, 1, [0, 3]).targets(targets).dataSync(), [1, 0, 0.4 * 0.25, 0.6 + 0.4 * 0.75]);
    near(passAt(memories, 3, [1, 3]).targets(targets).dataSync(), [0.6, 0.4, 0.2, 0.8]);
    // Beyond the planned passes the share stays what it was in the last one.
    near(passAt(memories, 9, [1, 3]).targets(targets).dataSync(), [0.6, 0.4, 0.2, 0.8]);
  });
});

it("refuses numbers to regress on", () => {
  tf.tidy(() => assert.throws(() => passAt(new StepMemories(), 0, [0, 1]).targets(tf.zeros([2, 1])), TrialFailure));
});
