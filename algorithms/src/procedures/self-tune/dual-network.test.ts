/**
 * The linearised prediction: its tangent against the reverse-mode derivative differentiated once more (which shares no code with it), for every
 * layer and on both backends; and a step's gradients against differences of a small network written out in doubles.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { firstStep } from "../../conformance/one-technique.js";
import { createRng } from "../../core/index.js";
import { relativeGap } from "../../kernels/against-cpu.js";
import { chooseBackend } from "../../kernels/index.js";
import type { Network, Signal } from "../../training/contracts/network.js";
import type { TechniqueHooks } from "../../training/contracts/technique.js";
import { TensorNetwork, tensorOf } from "../../training/network/tensor-network.js";
import { isResponse } from "../../training/state/parameter-info.js";
import { ParameterStore } from "../../training/state/parameter-store.js";
import { TechniquePass } from "../../training/techniques/technique-set.js";
import { dualOf } from "./dual.js";
import { DualLayers } from "./dual-layers.js";
import { DualNetwork, linearised } from "./dual-network.js";
import { HyperLayers } from "./hyper-layers.js";

const displacement = [
  [0.5, -1],
  [-2, 0.3],
  [1, 1],
];
const batch = displacement.length;
/** Large, so that a response that was left out would show. */
const response = { responseDeviation: 1 };
/** Two orders of float32 sums through a few layers. */
const TOLERANCE = 1e-5;

interface Model {
  readonly shape: readonly number[];
  readonly tokens?: boolean;
  readonly layers?: readonly string[];
  forward(net: Network, x: Signal): Signal;
}

const models: Record<string, Model> = {
  "dense, tanh and sigmoid": {
    shape: [4],
    forward(net, x) {
      const hidden = net.dense("b", net.dense("a", x, { units: 5, activation: "tanh" }), { units: 4, activation: "sigmoid" });
      return net.dense("c", hidden, { units: 2, bias: false });
    },
  },
  "dense, relu, a sum, and a layer that does not react": {
    shape: [4],
    layers: ["a", "c"],
    forward(net, x) {
      const hidden = net.dense("a", x, { units: 6, activation: "relu" });
      return net.dense("c", net.add(hidden, net.dense("b", hidden, { units: 6 })), { units: 3 });
    },
  },
  "dense on sequences": {
    shape: [3, 4],
    forward: (net, x) => net.dense("b", net.dense("a", x, { units: 5, activation: "tanh" }), { units: 2 }),
  },
  "convolutions with both poolings": {
    shape: [8, 8, 2],
    forward(net, x) {
      const first = net.maxPool(net.conv2d("a", x, { filters: 5, kernel: 3, activation: "relu" }), { size: 2 });
      const second = net.conv2d("b", first, { filters: 3, kernel: 3, padding: "valid", activation: "tanh" });
      return net.dense("c", net.flatten(net.averagePool(second, { size: 2 })), { units: 2 });
    },
  },
  "overlapping maxima": {
    shape: [7, 7, 1],
    forward(net, x) {
      return net.globalAverage(net.maxPool(net.conv2d("a", x, { filters: 3, kernel: 2 }), { size: 3, stride: 2 }));
    },
  },
  "LSTM and a tied decoder": {
    shape: [4],
    tokens: true,
    forward(net, x) {
      const hidden = net.lstm("r", net.lstm("l", net.embedding("e", x, { vocabulary: 7, units: 3 }), { units: 4 }), { units: 3 });
      return net.globalAverage(net.tied("t", hidden, { embedding: "e" }));
    },
  },
  "LSTM that does not react, on a layer that does": {
    shape: [3, 2],
    layers: ["a"],
    forward: (net, x) => net.flatten(net.lstm("l", net.dense("a", x, { units: 3 }), { units: 2 })),
  },
  normalizations: {
    shape: [4, 4, 4],
    forward(net, x) {
      const grouped = net.groupNorm("g", net.conv2d("c", x, { filters: 4, kernel: 2 }), { groups: 2 });
      const whole = net.groupNorm("h", net.activation(grouped, "tanh"));
      return net.layerNorm("l", net.dense("a", net.flatten(whole), { units: 5 }));
    },
  },
  embedding: {
    shape: [4],
    tokens: true,
    forward(net, x) {
      const embedded = net.embedding("a", x, { vocabulary: 7, units: 3 });
      return net.dense("b", net.globalAverage(net.activation(embedded, "tanh")), { units: 2 });
    },
  },
};

for (const backend of ["cpu", "wasm"] as const)
  for (const [name, { shape, tokens, layers, forward }] of Object.entries(models))
    it(`${name} on ${backend}: value and tangent are those of the network at its centre`, async () => {
      await chooseBackend(backend);
      const store = new ParameterStore(createRng(5));
      const options = layers === undefined ? response : { ...response, layers };
      tf.tidy(() => {
        const values = new Float32Array(batch * tf.util.sizeFromShape([...shape]));
        createRng(6).fillNormal(values);
        const x = tf.tensor(tokens ? values.map((v) => Math.floor(Math.abs(v)) % 7) : values, [batch, ...shape]);
        const e = tf.tensor2d(displacement);
        const outputsAt = (h: tf.Tensor) => tensorOf(forward(new TensorNetwork(new HyperLayers(store, h, options)), x));
        const dual = dualOf(forward(new DualNetwork(new DualLayers(store, e, options)), x));
        assert.ok(relativeGap(dual.value.dataSync(), outputsAt(tf.zerosLike(e)).dataSync()) < TOLERANCE);
        assert.ok(relativeGap(dual.tangent?.dataSync() ?? [], derivativeAlong(outputsAt, e)) < TOLERANCE);
      });
      store.dispose();
    });

/**
 * The derivative of f along e at 0. Differences would be good to 1e-3 only in float32, so it is had exactly: the gradient of u . f(h) by h is linear in u, and its derivative by u along e is the derivative of f along e.
 */
function derivativeAlong(f: (h: tf.Tensor) => tf.Tensor, e: tf.Tensor): Float32Array {
  const center = tf.zerosLike(e);
  const pulledBack = (u: tf.Tensor) => tf.grad((h: tf.Tensor) => tf.sum(tf.mul(f(h), u)))(center);
  const twice = tf.grad((u: tf.Tensor) => tf.sum(tf.mul(pulledBack(u), e)));
  return Float32Array.from(twice(tf.onesLike(f(center))).dataSync());
}

it("a response's gradients are those of the loss of the linearised prediction, by differences in doubles", async () => {
  await chooseBackend("cpu");
  const [inputs, hidden, outputs, strength] = [3, 4, 2, 0.3];
  const store = new ParameterStore(createRng(8));
  const draw = (size: number, key: string) => {
    const values = new Float32Array(size);
    createRng(9).fork(key).fillNormal(values);
    return values;
  };
  const [x, y, mask] = [draw(batch * inputs, "x"), draw(batch * outputs, "y"), draw(batch * hidden, "mask")];

  const found = tf.tidy(() => {
    const hooks: TechniqueHooks = {
      site: (at) => tf.mul(at, tf.tensor2d(mask, [batch, hidden])),
      penalty: (weights) => {
        const kernels = weights.filter(({ kind }) => kind === "kernel").map(({ value }) => tf.sum(tf.square(value)));
        return tf.mul<tf.Scalar>(tf.addN(kernels), strength / 2);
      },
    };
    const pass = new TechniquePass([{ name: "one", hooks }], { ...firstStep(batch), rng: createRng(1) });
    const loss = () => {
      const layers = new DualLayers(store, tf.tensor2d(displacement), response);
      const net = new DualNetwork(layers, pass);
      const inner = net.dense("a", tf.tensor2d(x, [batch, inputs]), { units: hidden, activation: "tanh" });
      const predicted = linearised(net.dense("c", net.site("s", inner, "hidden"), { units: outputs }));
      const errors = tf.sum(tf.square(tf.sub(predicted, tf.tensor2d(y, [batch, outputs]))), 1);
      return pass.penalize(tf.mean<tf.Scalar>(tf.mul(errors, 0.5)), layers.weights());
    };
    loss(); // makes the parameters
    return store.gradients(loss, isResponse);
  });
  const gradients = new Map(Object.entries(found).map(([name, gradient]) => [name, Float64Array.from(gradient.dataSync())]));
  tf.dispose(found);

  const parameters = new Map([...store.variables].map(([name, variable]) => [name, Float64Array.from(variable.dataSync())]));
  assert.deepEqual([...gradients.keys()].sort(), [...parameters.keys()].filter(isResponse).sort());
  /** A layer's weight at h: own[i, o] + response[i, o] sum_k h_k slopes[k, o]. */
  const weightAt = (name: string, part: string, h: readonly number[]) => {
    const [own, slopes] = [parameters.get(`${name}/${part}`), parameters.get(`${name}/response/${part}-slopes`)];
    const reaction = parameters.get(`${name}/response/${part}`);
    assert.ok(own !== undefined && slopes !== undefined && reaction !== undefined);
    const units = slopes.length / h.length;
    const multiplier = (o: number) => h.reduce((sum, at, k) => sum + at * (slopes[k * units + o] ?? 0), 0);
    return own.map((w, place) => w + (reaction[place] ?? 0) * multiplier(place % units));
  };
  const predict = (row: number, h: readonly number[]): number[] => {
    const dense = (name: string, input: readonly number[], units: number) => {
      const [kernel, bias] = [weightAt(name, "kernel", h), weightAt(name, "bias", h)];
      const product = (o: number) => input.reduce((sum, at, i) => sum + at * (kernel[i * units + o] ?? 0), bias[o] ?? 0);
      return Array.from({ length: units }, (_, o) => product(o));
    };
    const inner = dense("a", [...x.slice(row * inputs, (row + 1) * inputs)], hidden);
    return dense(
      "c",
      inner.map((at, o) => Math.tanh(at) * (mask[row * hidden + o] ?? 0)),
      outputs,
    );
  };
  const lossInDoubles = (): number => {
    const t = 1e-4;
    const errors = displacement.map((e, row) => {
      const at = (scale: number) =>
        predict(
          row,
          e.map((one) => scale * one),
        );
      const [center, ahead, behind] = [at(0), at(t), at(-t)];
      const predicted = center.map((value, o) => value + ((ahead[o] ?? 0) - (behind[o] ?? 0)) / (2 * t));
      return predicted.reduce((sum, value, o) => sum + (value - (y[row * outputs + o] ?? 0)) ** 2 / 2, 0);
    });
    const kernels = ["a", "c"].flatMap((name) => [...weightAt(name, "kernel", displacement[0] ?? [])]);
    return errors.reduce((sum, one) => sum + one, 0) / batch + (strength / 2) * kernels.reduce((sum, w) => sum + w * w, 0);
  };
  for (const [name, gradient] of gradients) {
    const values = parameters.get(name);
    assert.ok(values !== undefined);
    const differences = values.map((value, place) => {
      const at = (to: number) => {
        values[place] = to;
        return lossInDoubles();
      };
      const slope = (at(value + 1e-4) - at(value - 1e-4)) / 2e-4;
      values[place] = value;
      return slope;
    });
    // The differences are good to 1e-7; the gradient is float32's.
    assert.ok(relativeGap(gradient, differences) < TOLERANCE, `${name} off by ${relativeGap(gradient, differences)}`);
  }
  store.dispose();
});
