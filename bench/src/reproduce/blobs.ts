/**
 * A small classification task whose best dropout rates matter: Gaussian blobs in 20 dimensions, few rows, and a network of one hidden layer.
 * It is a user's own module: an agent, too, would load it by its path.
 */
import type { Split, WorkloadModule } from "@regulus/algorithms/training";
import { z } from "zod";

const dimension = 20;
const classes = 4;
/** The blobs' centres lie this far apart in each dimension, in deviations of a blob: about a fifth of the rows lies on the wrong side. */
const centreDeviation = 0.45;
const sizes = { train: 160, tune: 200, valid: 200, test: 2000 };
const options = z.strictObject({ hiddenUnits: z.int().min(1).default(64) });

export const workload: WorkloadModule<z.infer<typeof options>> = {
  spec: {
    name: "blobs",
    summary: "Gaussian blobs of four classes in twenty dimensions.",
    source: "bench/src/reproduce",
    options,
    hyperparameters: () => [],
    metrics: ["trainLoss", "validLoss", "testLoss"],
  },
  async open({ options: { hiddenUnits }, seed, kit }) {
    const { tf } = kit;
    const rng = kit.createRng(seed).fork("blobs");
    const centres = new Float32Array(classes * dimension);
    rng.fork("centres").fillNormal(centres);
    /** Validation and tuning share their rows: the claim compares losses on what the hyperparameters were fitted to. */
    const keyOf = (split: Split) => (split === "tune" ? "valid" : split);
    return {
      sizes,
      training: { batchSize: 32, optimizer: "momentum", learningRate: 0.02, momentum: 0.9, steps: 3000 },
      batch(split, rows) {
        const inputs = new Float32Array(rows.length * dimension);
        const labels = Int32Array.from(rows, (row) => row % classes);
        for (const [at, row] of rows.entries()) {
          const example = inputs.subarray(at * dimension, (at + 1) * dimension);
          rng.fork(keyOf(split), row).fillNormal(example);
          const centre = (labels[at] ?? 0) * dimension;
          for (let i = 0; i < dimension; i++) example[i] = (example[i] ?? 0) + centreDeviation * (centres[centre + i] ?? 0);
        }
        const targets = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), classes), "float32"));
        return { inputs: tf.tensor2d(inputs, [rows.length, dimension]), targets };
      },
      forward(net, inputs) {
        const hidden = net.dense("hidden", net.site("inputs", inputs, "input"), { units: hiddenUnits, activation: "relu" });
        return net.dense("logits", net.site("hidden", hidden, "hidden"), { units: classes });
      },
      loss: kit.softmaxCrossEntropy,
      metrics: () => ({}),
      close: () => undefined,
    };
  },
};
