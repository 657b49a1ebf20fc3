/** A batch in which every example has its own hyperparameters gives what each example gives alone, on weights formed for it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { onBoth, relativeGap } from "../../kernels/against-cpu.js";
import { chooseBackend } from "../../kernels/index.js";
import type { Network, Signal } from "../../training/contracts/network.js";
import { TensorNetwork, tensorOf } from "../../training/network/tensor-network.js";
import { referenceLstm } from "../../training/network/testing/reference-lstm.js";
import { ParameterStore } from "../../training/state/parameter-store.js";
import { HyperLayers } from "./hyper-layers.js";

await chooseBackend("wasm");

const batch = 3;
const coordinates = [
  [0.5, -1],
  [-2, 0.3],
  [1, 1],
];
/** Large, so that a response that was left out would show. */
const response = { responseDeviation: 1 };

const models: Record<string, { shape: number[]; forward(net: Network, x: Signal): Signal; tokens?: boolean }> = {
  dense: {
    shape: [4],
    forward: (net, x) => net.dense("b", net.dense("a", x, { units: 5, activation: "tanh" }), { units: 2, bias: false }),
  },
  "dense on sequences": { shape: [3, 4], forward: (net, x) => net.dense("a", x, { units: 2 }) },
  convolution: {
    shape: [6, 6, 2],
    forward: (net, x) => net.averagePool(net.conv2d("a", x, { filters: 3, kernel: 3, activation: "relu" }), { size: 2 }),
  },
  embedding: {
    shape: [4],
    tokens: true,
    forward: (net, x) => net.globalAverage(net.embedding("a", x, { vocabulary: 7, units: 3 })),
  },
  lstm: { shape: [5, 4], forward: (net, x) => net.lstm("a", x, { units: 3 }) },
  "language model": {
    shape: [4],
    tokens: true,
    forward: (net, x) => {
      const hidden = net.lstm("b", net.embedding("a", x, { vocabulary: 7, units: 3 }), { units: 3 });
      return net.tied("c", net.layerNorm("d", hidden), { embedding: "a" });
    },
  },
  "group normalization": {
    shape: [4, 4, 2],
    forward: (net, x) => net.groupNorm("b", net.conv2d("a", x, { filters: 4, kernel: 3 }), { groups: 2 }),
  },
  "layer normalization": { shape: [6], forward: (net, x) => net.layerNorm("a", x) },
};

for (const [name, { shape, forward, tokens }] of Object.entries(models)) {
  it(`${name}: a mixed batch, and examples one by one`, () => {
    const store = new ParameterStore(createRng(5));
    tf.tidy(() => {
      const size = tf.util.sizeFromShape(shape);
      const values = new Float32Array(batch * size);
      createRng(6).fillUniform(values);
      const x = tf.tensor(tokens ? values.map((value) => Math.floor(7 * value)) : values, [batch, ...shape]);
      const run = (input: tf.Tensor, at: number[][]) =>
        tensorOf(forward(new TensorNetwork(new HyperLayers(store, tf.tensor2d(at), response)), input));
      const together = run(x, coordinates);
      const alone = tf.concat(coordinates.map((at, row) => run(tf.slice(x, [row, ...shape.map(() => 0)], [1, ...shape]), [at])));
      assert.deepEqual(together.shape, alone.shape);
      const [a, b] = [together.dataSync(), alone.dataSync()];
      // Sums of up to 20 float32 products of size 1, in two orders.
      for (const [i, value] of b.entries()) assert.ok(Math.abs((a[i] ?? Number.NaN) - value) < 1e-5, `${a[i]} for ${value}`);
      const other = run(x, [...coordinates.slice(1), [0, 0]]).dataSync();
      assert.ok(
        other.some((value, i) => Math.abs(value - (a[i] ?? 0)) > 1e-3),
        "hyperparameters matter",
      );
    });
    store.dispose();
  });
}

for (const [name, { shape, forward, tokens }] of Object.entries(models))
  it(`${name}: gradients by weights, responses and hyperparameters on wasm are cpu's`, async () => {
    const { wasm, cpu } = await onBoth(() => {
      const store = new ParameterStore(createRng(5));
      const values = new Float32Array(batch * tf.util.sizeFromShape(shape));
      createRng(6).fillUniform(values);
      const x = tf.tensor(tokens ? values.map((value) => Math.floor(7 * value)) : values, [batch, ...shape]);
      const loss = (at: tf.Tensor) => {
        const output = tensorOf(forward(new TensorNetwork(new HyperLayers(store, at, response)), x));
        return tf.sum<tf.Scalar>(tf.mul(tf.square(output), tf.randomUniform(output.shape, 0.5, 1.5, "float32", 9)));
      };
      const at = tf.tensor2d(coordinates);
      const gradients = [tf.grad(loss)(at), ...Object.values(store.gradients(() => loss(at)))];
      // Each to its own size, so that small ones count as much.
      const scaled = gradients.map((gradient) => tf.reshape(tf.div(gradient, tf.max(tf.abs(gradient))), [-1]));
      const all = tf.concat(scaled);
      store.dispose();
      return all;
    });
    assert.ok(relativeGap(wasm, cpu) < 1e-4, `gap ${relativeGap(wasm, cpu)}: what is promised of kernels`);
  });

it("drops the same parts of a recurrent kernel and of its response", () => {
  const store = new ParameterStore(createRng(5));
  tf.tidy(() => {
    const [time, inputs, units] = [4, 2, 3];
    const x = tf.randomNormal<tf.Rank.R3>([batch, time, inputs], 0, 1, "float32", 1);
    const mask = tf.mul(tf.cast(tf.greater(tf.randomUniform([units, 4 * units], 0, 1, "float32", 2), 0.5), "float32"), 2);
    const rules = { atSite: (y: tf.Tensor) => y, observe: () => undefined, maskOf: () => mask };
    const run = (at: number[][]) =>
      tensorOf(new TensorNetwork(new HyperLayers(store, tf.tensor2d(at), response), rules).lstm("a", x, { units }));
    const together = tf.reshape<tf.Rank.R3>(run(coordinates), [batch, time, units]).arraySync();
    for (const [row, at] of coordinates.entries()) {
      const formed = (part: string) => {
        const [own, other, slopes] = [`a/${part}`, `a/response/${part}`, `a/response/${part}-slopes`].map(
          (name) => store.variables.get(name) ?? tf.scalar(0),
        );
        return tf.add(own ?? 0, tf.mul(other ?? 0, tf.matMul(tf.tensor2d([at]), slopes ?? tf.scalar(0))));
      };
      const weights = {
        kernel: formed("kernel").dataSync(),
        recurrent: tf.mul(formed("recurrent"), mask).dataSync(),
        bias: formed("bias").dataSync(),
      };
      const expected = referenceLstm(x.arraySync()[row] ?? [], weights).flat();
      // float32 over four times of sums of five products of size 1 to 4.
      assert.ok(relativeGap(together[row]?.flat() ?? [], expected) < 1e-5);
      const alone = tf.reshape<tf.Rank.R3>(run([at]), [batch, time, units]).arraySync();
      assert.ok(relativeGap(alone[row]?.flat() ?? [], expected) < 1e-5);
    }
  });
  store.dispose();
});

it("drops the same rows of both tables", () => {
  const store = new ParameterStore(createRng(5));
  tf.tidy(() => {
    const tokens = tf.tensor2d([0, 1, 2, 2, 1, 0], [batch, 2], "int32");
    const mask = tf.tensor2d([0, 1.5, 3], [3, 1]);
    const rules = { atSite: (y: tf.Tensor) => y, observe: () => undefined, maskOf: () => mask };
    const layers = () => new HyperLayers(store, tf.tensor2d(coordinates), response);
    const whole = tensorOf(new TensorNetwork(layers()).embedding("a", tokens, { vocabulary: 3, units: 2 }));
    const seen = new TensorNetwork(layers(), rules).embedding("a", tokens, { vocabulary: 3, units: 2 });
    assert.deepEqual([...tensorOf(seen).dataSync()], [...tf.mul(whole, tf.gather(mask, tokens)).dataSync()]);
  });
  store.dispose();
});

it("shows penalties the weight at the first example's hyperparameters", () => {
  const store = new ParameterStore(createRng(5));
  tf.tidy(() => {
    const layers = new HyperLayers(store, tf.tensor2d(coordinates), response);
    new TensorNetwork(layers).dense("a", tf.ones([batch, 4]), { units: 2 });
    const [kernel, bias] = layers.weights();
    assert.deepEqual([kernel?.name, kernel?.kind, bias?.kind], ["a/kernel", "kernel", "bias"]);
    const single = new HyperLayers(store, tf.tensor2d([[0.5, -1]]), response);
    const output = tensorOf(new TensorNetwork(single).dense("a", tf.eye(4), { units: 2, bias: false }));
    const gap = tf.max(tf.abs(tf.sub(output, kernel?.value ?? 0))).dataSync()[0] ?? 1;
    assert.ok(gap < 1e-6, "an identity shows the kernel, in float32");
  });
  store.dispose();
});
