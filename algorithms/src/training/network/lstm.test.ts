/** The LSTM layer against one in plain doubles, masks on its recurrent kernel, and its gradients on wasm against cpu's. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { createRng } from "../../core/index.js";
import { onBoth, relativeGap } from "../../kernels/against-cpu.js";
import { chooseBackend } from "../../kernels/index.js";
import { ParameterStore } from "../state/parameter-store.js";
import { lstmSequence } from "./lstm.js";
import { PlainLayers, productOf } from "./plain-layers.js";
import { TensorNetwork, tensorOf } from "./tensor-network.js";
import { referenceLstm } from "./testing/reference-lstm.js";

await chooseBackend("wasm");

const [batch, time, inputs, units] = [3, 6, 4, 5];
const inputsOf = (seed: number) => tf.randomNormal([batch, time, inputs], 0, 1, "float32", seed);
/** tfjs types nested arrays by rank; this reads three levels of them. */
const rows = (x: tf.Tensor) => tf.reshape<tf.Rank.R3>(x, [batch, time, x.size / (batch * time)]).arraySync();

for (const seed of [1, 2, 3])
  it(`gives the states of plain doubles, with and without a mask, seed ${seed}`, () => {
    const store = new ParameterStore(createRng(seed));
    tf.tidy(() => {
      const x = inputsOf(seed);
      const mask = tf.tidy(() =>
        tf.mul(tf.cast(tf.greater(tf.randomUniform([units, 4 * units], 0, 1, "float32", seed), 0.4), "float32"), 2),
      );
      const rules = { atSite: (y: tf.Tensor) => y, observe: () => undefined, maskOf: () => mask };
      for (const given of [undefined, rules]) {
        const seen = rows(tensorOf(new TensorNetwork(new PlainLayers(store), given).lstm("a", x, { units })));
        const weight = (part: string) => store.variables.get(`a/${part}`) ?? tf.scalar(0);
        const recurrent = given === undefined ? weight("recurrent") : tf.mul(weight("recurrent"), mask);
        const weights = { kernel: weight("kernel").dataSync(), recurrent: recurrent.dataSync(), bias: weight("bias").dataSync() };
        const expected = rows(x).map((one) => referenceLstm(one, weights));
        // float32 over six times of sums of nine products below 1.
        assert.ok(relativeGap(seen.flat(2), expected.flat(2)) < 1e-5);
      }
    });
    store.dispose();
  });

it("has cpu's gradients on wasm, by weights and by inputs", async () => {
  const shapes = [[batch, time, inputs], [inputs, 4 * units], [units, 4 * units], [4 * units]];
  const { wasm, cpu } = await onBoth(() => {
    const at = shapes.map((shape, seed) => tf.mul(tf.randomNormal(shape, 0, 1, "float32", seed + 1), 0.5));
    const gradients = tf.grads((...[x = tf.scalar(0), kernel = x, recurrent = x, bias = x]: tf.Tensor[]) => {
      const states = lstmSequence(tf.add(productOf(x, kernel), bias), (hidden) => tf.matMul(hidden, recurrent));
      return tf.sum(tf.square(states));
    })(at);
    return tf.concat(gradients.map((gradient) => tf.reshape(tf.div(gradient, tf.max(tf.abs(gradient))), [-1])));
  });
  assert.ok(relativeGap(wasm, cpu) < 1e-4, "what is promised of kernels");
});
