/** The fused softmax cross entropy on wasm against the same in doubles: values, gradients by both inputs, logits far out, and losses that collapse. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { chooseBackend } from "../backend.js";
import { softmaxCrossEntropy } from "../losses.js";

before(() => chooseBackend("wasm"));

interface Answer {
  readonly losses: readonly number[];
  readonly byLogits: readonly number[];
  readonly byTargets: readonly number[];
}

/** Of rows [rows][classes], each loss weighted by the number of its row, from 1. */
function inDoubles(logits: readonly number[][], targets: readonly number[][]): Answer {
  const rows = logits.map((row, r) => {
    const most = Math.max(...row);
    const exps = row.map((z) => Math.exp(z - most));
    const normalizer = Math.log(exps.reduce((a, b) => a + b)) + most;
    const target = targets[r] ?? [];
    const mass = target.reduce((a, b) => a + b);
    return {
      loss: target.reduce((sum, t, i) => sum + t * (normalizer - (row[i] ?? 0)), 0),
      byLogits: row.map((z, i) => (r + 1) * (mass * Math.exp(z - normalizer) - (target[i] ?? 0))),
      byTargets: row.map((z) => (r + 1) * (normalizer - z)),
    };
  });
  return {
    losses: rows.map(({ loss }) => loss),
    byLogits: rows.flatMap(({ byLogits }) => byLogits),
    byTargets: rows.flatMap(({ byTargets }) => byTargets),
  };
}

function onWasm(logits: readonly number[][], targets: readonly number[][]): Answer {
  return tf.tidy(() => {
    const [z, t] = [tf.tensor2d(logits as number[][]), tf.tensor2d(targets as number[][])];
    const weights = tf.range(1, logits.length + 1);
    const [byLogits, byTargets] = tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(softmaxCrossEntropy(a, b), weights)))([
      z,
      t,
    ]);
    const losses = softmaxCrossEntropy(z, t);
    return {
      losses: [...losses.dataSync()],
      byLogits: [...(byLogits?.dataSync() ?? [])],
      byTargets: [...(byTargets?.dataSync() ?? [])],
    };
  });
}

test("values and gradients are those of doubles", () => {
  const classes = fc.integer({ min: 1, max: 9 });
  const table = classes.chain((count) =>
    fc.array(
      fc.record({
        logits: fc.array(fc.float({ min: -200, max: 200, noNaN: true }), { minLength: count, maxLength: count }),
        targets: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: count, maxLength: count }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  );
  fc.assert(
    fc.property(table, (rows) => {
      const logits = rows.map((row) => row.logits);
      const targets = rows.map((row) => row.targets);
      const [seen, expected] = [onWasm(logits, targets), inDoubles(logits, targets)];
      for (const part of ["losses", "byLogits", "byTargets"] as const) {
        assert.equal(seen[part].length, expected[part].length);
        // Up to 9 terms of up to 400 each, of 24 bits.
        for (const [i, value] of expected[part].entries())
          assert.ok(Math.abs((seen[part][i] ?? Number.NaN) - value) <= 1e-3, `${part}[${i}]: ${seen[part][i]} for ${value}`);
      }
    }),
    { numRuns: 200 },
  );
});

test("a loss and its gradient are zero once float32 can't tell the sum of exponentials from the greatest", () => {
  const row = (gap: number) => [gap, ...Array.from({ length: 9 }, () => 0)];
  const target = row(1);
  // 24 bits: a term of exp(-gap) below half of 2^-23 is lost beside 1, from gap = 24 log 2 = 16.6 on.
  const [near, far] = [onWasm([row(14)], [target]), onWasm([row(17)], [target])];
  assert.ok((near.losses[0] ?? 0) > 0 && (near.byLogits[0] ?? 0) < 0);
  assert.equal(far.losses[0], 0);
  assert.equal(far.byLogits[0], 0);
});

test("a logit that is not a number makes its own row's loss and gradient not a number", () => {
  const { losses, byLogits } = onWasm(
    [
      [Number.NaN, 1],
      [0, 1],
    ],
    [
      [0, 1],
      [0, 1],
    ],
  );
  assert.deepEqual(losses.map(Number.isNaN), [true, false]);
  assert.deepEqual(byLogits.map(Number.isNaN), [true, true, false, false]);
});
