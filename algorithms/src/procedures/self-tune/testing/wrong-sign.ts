/**
 * A workload for tests of the guard: linear regression on few rows and many inputs, so that more penalty helps, whose outputs outside training
 * pass through an operation with a gradient of the given sign. At -1 it is what a faulty operation of a user does: values are right, training
 * is right, and hypergradients point the wrong way. Those of the tuning steps in `broken`, counted from 0 in a session, are not numbers at all.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { createRng } from "../../../core/index.js";
import type { Network, Signal } from "../../../training/contracts/network.js";
import type { Split, WorkloadModule } from "../../../training/contracts/workload.js";
import { halfSquaredError } from "../../../training/network/losses.js";
import { tensorOf } from "../../../training/network/tensor-network.js";

const inputs = 20;
const sizes = { train: 24, tune: 400, valid: 100, test: 100 };
const options = z.strictObject({
  sign: z.union([z.literal(1), z.literal(-1)]).default(1),
  broken: z.array(z.int().min(0)).default([]),
});

export const workload: WorkloadModule<z.infer<typeof options>> = {
  spec: { name: "wrong-sign", summary: "A faulty gradient.", source: "tests", options, hyperparameters: () => [], metrics: [] },
  async open({ options: { sign, broken }, seed }) {
    let tuningSteps = 0;
    const faulty = (x: Signal): Signal => {
      const operation = tf.customGrad((...given) => {
        const [value] = given;
        if (!(value instanceof tf.Tensor)) throw new TypeError("customGrad gives what it is given");
        const gradFunc = (dy: tf.Tensor) => tf.mul(dy, broken.includes(tuningSteps++) ? Number.NaN : sign);
        return { value: tf.mul(value, 1), gradFunc };
      });
      return operation(tensorOf(x));
    };
    const draw = (split: Split) => {
      const rng = createRng(seed).fork(split);
      const [x, y] = [new Float32Array(sizes[split] * inputs), new Float32Array(sizes[split])];
      rng.fork("inputs").fillNormal(x);
      rng.fork("noise").fillNormal(y);
      return { x, y: y.map((noise, row) => 0.5 * (x[row * inputs] ?? 0) + 2 * noise) };
    };
    const splits = { train: draw("train"), tune: draw("tune"), valid: draw("valid"), test: draw("test") };
    return {
      sizes,
      training: { batchSize: 24, optimizer: "momentum", learningRate: 0.02, momentum: 0.9, steps: 1000 },
      batch(split, rows) {
        const drawn = splits[split];
        const x = Float32Array.from({ length: rows.length * inputs }, (_, i) => {
          return drawn.x[(rows[Math.floor(i / inputs)] ?? 0) * inputs + (i % inputs)] ?? 0;
        });
        const y = Float32Array.from(rows, (row) => drawn.y[row] ?? 0);
        return { inputs: tf.tensor2d(x, [rows.length, inputs]), targets: tf.tensor2d(y, [rows.length, 1]) };
      },
      forward(net: Network, x) {
        const outputs = net.dense("out", x, { units: 1 });
        return net.training ? outputs : faulty(outputs);
      },
      loss: halfSquaredError,
      metrics: () => ({}),
      close: () => undefined,
    };
  },
};
