/**
 * A multilayer perceptron on MNIST: ReLU layers with a site for techniques at the input and after each hidden layer, softmax cross entropy.
 */
import { MnistSplits } from "../../data/mnist.js";
import { mnistClasses, mnistPixels } from "../../data/mnist-digits.js";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import { trainingOf } from "../../settings/training-settings.js";
import type { WorkloadModule } from "../../training/contracts/workload.js";
import { classificationError } from "../../training/network/losses.js";
import { type MnistMlpOptions, mnistMlpTraining, spec } from "./spec.js";

export const module: WorkloadModule<MnistMlpOptions> = {
  spec,
  async open({ options, hyperparameters, seed }) {
    const splits = new MnistSplits(options, seed);
    return {
      sizes: splits.sizes,
      training: trainingOf(hyperparameters, options, mnistMlpTraining),
      batch: (split, rows) => splits.batch(split, rows, [mnistPixels]),
      forward(net, inputs) {
        let x = net.site("inputs", inputs, "input");
        for (const [layer, units] of options.hiddenUnits.entries()) {
          x = net.site(`hidden${layer}`, net.dense(`dense${layer}`, x, { units, activation: "relu" }), "hidden");
        }
        return net.dense("logits", x, { units: mnistClasses });
      },
      loss: softmaxCrossEntropy,
      metrics: (outputs, targets) => ({ error: classificationError(outputs, targets) }),
      close: () => undefined,
    };
  },
};
