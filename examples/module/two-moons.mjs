// A workload of one's own: two half moons, told apart by a small network. An agent that was started with --allow-modules on this folder trains it.
// The module imports nothing: tfjs and the losses come with the request, so that it may lie anywhere on the agent's machine.

const sizes = { train: 60, tune: 100, valid: 200, test: 1000 };
const splits = Object.keys(sizes);

export const workload = {
  // Everything in spec is optional. Hyperparameters that the search's space names arrive in `hyperparameters`.
  spec: { name: "two-moons", metrics: ["trainLoss", "validLoss", "validError", "testLoss", "testError"] },

  async open({ options, hyperparameters, seed, kit }) {
    const { tf } = kit;
    const noise = options.noise ?? 0.2;
    // One stream of random numbers for each split and row: the same data for every trial of a search, on every machine.
    const root = kit.createRng(seed).fork("two-moons");
    const data = Object.fromEntries(splits.map((split) => [split, moons(sizes[split], noise, root.fork(split))]));

    return {
      sizes,
      training: {
        batchSize: 20,
        optimizer: "momentum",
        learningRate: hyperparameters.learningRate ?? 0.05,
        momentum: 0.9,
        steps: 500,
      },
      batch(split, rows) {
        const { points, labels } = data[split];
        const inputs = Array.from(rows, (row) => points[row]);
        const targets = Array.from(rows, (row) => (labels[row] === 0 ? [1, 0] : [0, 1]));
        return { inputs: tf.tensor2d(inputs), targets: tf.tensor2d(targets) };
      },
      // Written once: `fit` trains it with fixed hyperparameters, `self-tune` with hyperparameters that it learns on the way.
      forward(net, inputs) {
        const x = net.site("inputs", inputs, "input");
        const hidden = net.site("hidden", net.dense("first", x, { units: 32, activation: "tanh" }), "hidden");
        return net.dense("logits", hidden, { units: 2 });
      },
      loss: kit.softmaxCrossEntropy,
      metrics: (outputs, targets) => ({ error: kit.classificationError(outputs, targets) }),
      close() {},
    };
  },
};

function moons(count, noise, rng) {
  const points = [];
  const labels = [];
  for (let row = 0; row < count; row++) {
    const own = rng.fork(row);
    const label = row % 2;
    const angle = Math.PI * own.uniform();
    const [x, y] = label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    points.push([x + noise * own.normal(), y + noise * own.normal()]);
    labels.push(label);
  }
  return { points, labels };
}
