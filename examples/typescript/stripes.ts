// A workload of one's own with types: is a point to the left or to the right? `tsc` makes the stripes.js that agents load.
import type { Network, Signal, UserWorkload } from "regulus/training";

function model(net: Network, inputs: Signal): Signal {
  const hidden = net.site("hidden", net.dense("first", inputs, { units: 8, activation: "tanh" }), "hidden");
  return net.dense("logits", hidden, { units: 2 });
}

export const workload: UserWorkload = {
  open({ kit, seed, hyperparameters }) {
    const data = kit.createRng(seed);
    return {
      sizes: { train: 40, tune: 20, valid: 20, test: 20 },
      training: { learningRate: Number(hyperparameters.learningRate ?? 0.02) },
      batch(split, rows) {
        const points = Array.from(rows, (row) => {
          const random = data.fork(split).fork(row);
          return [random.normal(), random.normal()];
        });
        const targets = points.map(([x = 0]) => (x > 0 ? [1, 0] : [0, 1]));
        return { inputs: kit.tf.tensor2d(points), targets: kit.tf.tensor2d(targets) };
      },
      forward: model,
      loss: kit.softmaxCrossEntropy,
    };
  },
};
