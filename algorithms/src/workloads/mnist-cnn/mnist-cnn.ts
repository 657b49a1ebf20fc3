/**
 * A small convolutional network on MNIST: convolutions with ReLU and 2 x 2 max pooling, one dense layer, softmax cross entropy. Techniques act
 * at the input, after each pooling and after the dense layer.
 */
import { MnistSplits } from "../../data/mnist.js";
import { mnistClasses, mnistSide } from "../../data/mnist-digits.js";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import { trainingOf } from "../../training/hyperparameters.js";
import { classificationError } from "../../training/losses.js";
import type { WorkloadModule } from "../../training/workload.js";
import { type MnistCnnOptions, mnistCnnTraining, spec } from "./spec.js";

export const module: WorkloadModule<MnistCnnOptions> = {
  spec,
  async open({ options, hyperparameters, seed }) {
    const splits = new MnistSplits(options, seed);
    const { filters, kernel, hiddenUnits } = options;
    return {
      sizes: splits.sizes,
      training: trainingOf(hyperparameters, options, mnistCnnTraining),
      batch: (split, rows) => splits.batch(split, rows, [mnistSide, mnistSide, 1]),
      forward(net, inputs) {
        let x = net.site("inputs", inputs, "input");
        for (const [layer, channels] of filters.entries()) {
          const convolved = net.conv2d(`conv${layer}`, x, { filters: channels, kernel, activation: "relu" });
          x = net.site(`pooled${layer}`, net.maxPool(convolved, { size: 2 }), "hidden");
        }
        const hidden = net.dense("dense", net.flatten(x), { units: hiddenUnits, activation: "relu" });
        return net.dense("logits", net.site("hidden", hidden, "hidden"), { units: mnistClasses });
      },
      loss: softmaxCrossEntropy,
      metrics: (outputs, targets) => ({ error: classificationError(outputs, targets) }),
      close: () => undefined,
    };
  },
};
