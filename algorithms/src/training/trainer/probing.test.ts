/** What probes are shown of gradients: those of single rows make up that of all. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../../kernels/index.js";
import { module } from "../../workloads/mnist-cnn/mnist-cnn.js";
import { PlainLayers } from "../network/plain-layers.js";
import { TensorNetwork } from "../network/tensor-network.js";
import { modelKit } from "../setup/trial-setup.js";
import { infosOf } from "../state/parameter-info.js";
import { ParameterStore } from "../state/parameter-store.js";
import { probeContext } from "./probing.js";

await chooseBackend("wasm");

async function opened() {
  const options = module.spec.options.parse({
    trainSize: 20,
    tuneSize: 8,
    validSize: 8,
    filters: [3],
    hiddenUnits: 4,
    normalization: "layer",
  });
  const task = await module.open({ options, hyperparameters: {}, seed: 1, kit: modelKit });
  const parameters = new ParameterStore(modelKit.createRng(2));
  const layers = () => new PlainLayers(parameters);
  tf.tidy(() => void task.forward(new TensorNetwork(layers()), task.batch("train", Int32Array.of(0)).inputs));
  const trainingLoss = (outputs: tf.Tensor, targets: tf.Tensor) => task.loss(outputs, targets);
  return {
    task,
    parameters,
    context: probeContext({ step: 0, task, trainingLoss, parameters, infos: infosOf(parameters), layers }),
  };
}

it("gradients of single rows have the gradient of all for their mean, and leave nothing behind", async () => {
  const { task, parameters, context } = await opened();
  const rows = Int32Array.of(7, 2, 2, 19, 0);
  const before = tf.memory().numTensors;
  const whole = await context.gradients(rows);
  const sums = new Map([...whole].map(([name, { length }]) => [name, new Float64Array(length)]));
  const seen: number[] = [];
  for await (const { row, gradients } of context.exampleGradients(rows)) {
    seen.push(row);
    assert.deepEqual([...gradients.keys()].sort(), [...whole.keys()].sort());
    for (const [name, gradient] of gradients) {
      const sum = sums.get(name) ?? new Float64Array();
      for (const [at, value] of gradient.entries()) sum[at] = (sum[at] ?? 0) + value / rows.length;
    }
  }
  assert.deepEqual(seen, [...rows]);
  // Float32 sums of five rows and 784 places each in another order, whose terms partly cancel (measured 2e-5).
  const greatest = Math.max(...[...whole.values()].flatMap((gradient) => [...gradient.map(Math.abs)]));
  for (const [name, sum] of sums)
    for (const [at, value] of (whole.get(name) ?? []).entries())
      assert.ok(Math.abs(value - (sum[at] ?? Number.NaN)) < 1e-4 * greatest, `${name}[${at}]: ${sum[at]} for ${value}`);
  assert.equal(tf.memory().numTensors, before);
  parameters.dispose();
  task.close();
});

it("takes gradients by the weights that are asked for alone", async () => {
  const { task, parameters, context } = await opened();
  for await (const { gradients } of context.exampleGradients(Int32Array.of(3), ["logits/bias"]))
    assert.deepEqual([...gradients.keys()], ["logits/bias"]);
  parameters.dispose();
  task.close();
});
