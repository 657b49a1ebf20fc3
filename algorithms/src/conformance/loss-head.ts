/**
 * Conformance suite of a loss head: a finite loss of each example that depends on that example alone, derivatives that agree with finite differences, finite
 * numbers far out, nothing left in memory, and trials of `fit` and of both kinds of `self-tune` that train on it and go on from a checkpoint.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { derivativeGaps } from "../kernels/gradients/finite-differences.js";
import type { LossHeadModule } from "../training/contracts/loss-head.js";
import { openCase, refused, stepTo } from "./attempt.js";
import { checkSettings } from "./training-part.js";

/** Examples of classes, and of classes at several places. */
const shapes: readonly (readonly number[])[] = [
  [5, 4],
  [3, 2, 4],
];
/** As for operations (kernels/gradients): the rounding of differences in float32. */
const tolerance = 1e-3;
const digits = { trainSize: 48, tuneSize: 32, validSize: 40, batchSize: 16, hiddenUnits: [8] };
const procedures = {
  fit: { procedure: "fit", options: {} },
  stn: { procedure: "self-tune", options: { variant: "stn", warmUpSteps: 0 } },
  "delta-stn": { procedure: "self-tune", options: { variant: "delta-stn", warmUpSteps: 0 } },
} as const;

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeLossHead(module: LossHeadModule<unknown>): void {
  const { name, options } = module.spec;
  const head = module.create(options.parse({}));
  describe(`loss head ${name}`, () => {
    it("states its settings, each with a range that it takes", () => checkSettings(module.spec));

    for (const shape of shapes) {
      it(`gives each example of [${shape}] a loss of its own`, () => {
        tf.tidy(() => {
          const [outputs, targets] = drawn(shape);
          const losses = head.losses(outputs, targets);
          assert.deepEqual(losses.shape, [shape[0]]);
          for (const [row, loss] of losses.dataSync().entries()) {
            assert.ok(Number.isFinite(loss));
            const alone = head.losses(tf.slice(outputs, row, 1), tf.slice(targets, row, 1)).dataSync()[0] ?? Number.NaN;
            // The same operations on the same numbers, in vectors of another length: a few roundings.
            assert.ok(Math.abs(alone - loss) <= 1e-5 * Math.max(1, Math.abs(loss)), `${alone} alone, ${loss} among others`);
          }
        });
      });

      it(`has the derivatives that finite differences give for [${shape}]`, () => {
        tf.tidy(() => {
          const [outputs, targets] = drawn(shape);
          const weights = tf.randomUniform([shape[0] ?? 1], 0.5, 1.5, "float32", 9);
          const loss = (z: tf.Tensor) => tf.sum(tf.mul(tf.square(head.losses(z, targets)), weights));
          // Away from 0, where a head may have a kink.
          const gaps = derivativeGaps(loss, tf.add(outputs, tf.mul(tf.sign(outputs), 0.2)));
          assert.ok(gaps.first < tolerance, `gradient off by ${gaps.first}`);
          assert.ok(gaps.second < tolerance, `Hessian-vector product off by ${gaps.second}`);
        });
      });
    }

    it("is finite far out", () => {
      tf.tidy(() => {
        const [outputs, targets] = drawn([5, 4]);
        const far = tf.mul(outputs, 1e4);
        const { value, grad } = tf.valueAndGrad((z: tf.Tensor) => tf.sum(head.losses(z, targets)))(far);
        assert.ok([...value.dataSync(), ...grad.dataSync()].every(Number.isFinite));
      });
    });

    it("leaves no tensor behind", () => {
      const once = () =>
        tf.tidy(() => {
          const [outputs, targets] = drawn([5, 4]);
          tf.grad((z: tf.Tensor) => tf.sum(head.losses(z, targets)))(outputs);
        });
      once();
      const before = tf.memory().numTensors;
      once();
      assert.equal(tf.memory().numTensors, before);
    });

    for (const [what, trial] of Object.entries(procedures))
      it(`trains under ${what}, measures the workload's own loss and continues from a checkpoint bit for bit, or says why it can't act there`, async () => {
        const one = {
          ...trial,
          workload: "mnist-mlp",
          workloadOptions: { ...digits, lossHead: name },
          techniques: ["dropout", "weight-decay"],
        };
        if (await refused(module.spec, one)) return;
        const [whole, own] = [await openCase(one), await openCase({ ...one, workloadOptions: digits })];
        assert.deepEqual((await whole.measure()).metrics, (await own.measure()).metrics);
        await stepTo(whole, 3);
        const resumed = await openCase(one, await whole.save());
        await stepTo(whole, 6);
        await stepTo(resumed, 6);
        assert.deepEqual(await resumed.save(), await whole.save());
        const { metrics } = await whole.measure();
        assert.ok(Number.isFinite(metrics.validLoss));
        for (const session of [whole, own, resumed]) session.close();
      });
  });
}

/** Outputs, and distributions over their last axis. */
function drawn(shape: readonly number[]): [outputs: tf.Tensor, targets: tf.Tensor] {
  const outputs = tf.randomNormal([...shape], 0, 1, "float32", 3);
  return [outputs, tf.softmax(tf.randomNormal([...shape], 0, 2, "float32", 4))];
}
