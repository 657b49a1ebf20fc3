/**
 * A small convolutional network on MNIST: convolutions with ReLU and 2 x 2 pooling, one dense layer, softmax cross entropy; on request
 * normalized before each ReLU. Techniques act at the input, after each pooling and after the dense layer.
 */
import { MnistSplits } from "../../data/mnist.js";
import { mnistClasses, mnistSide } from "../../data/mnist-digits.js";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import { trainingOf } from "../../settings/training-settings.js";
import type { Network, Signal } from "../../training/contracts/network.js";
import type { WorkloadModule } from "../../training/contracts/workload.js";
import { classificationError } from "../../training/network/losses.js";
import { type MnistCnnOptions, mnistCnnTraining, spec } from "./spec.js";

export const module: WorkloadModule<MnistCnnOptions> = {
  spec,
  async open({ options, hyperparameters, seed }) {
    const splits = new MnistSplits(options, seed);
    const { filters, kernel, hiddenUnits, pooling, normalization, groups } = options;
    /** A layer's outputs before its ReLU. */
    const activated = (net: Network, name: string, x: Signal) => {
      if (normalization === "none") return net.activation(x, "relu");
      const isDense = x.shape.length === 2;
      const normalized = isDense
        ? net.layerNorm(name, x)
        : net.groupNorm(name, x, { groups: normalization === "group" ? groups : 1 });
      return net.activation(normalized, "relu");
    };
    return {
      sizes: splits.sizes,
      training: trainingOf(hyperparameters, options, mnistCnnTraining),
      batch: (split, rows) => splits.batch(split, rows, [mnistSide, mnistSide, 1]),
      forward(net, inputs) {
        let x = net.site("inputs", inputs, "input");
        for (const [layer, channels] of filters.entries()) {
          const convolved = activated(net, `norm${layer}`, net.conv2d(`conv${layer}`, x, { filters: channels, kernel }));
          const pooled = pooling === "max" ? net.maxPool(convolved, { size: 2 }) : net.averagePool(convolved, { size: 2 });
          x = net.site(`pooled${layer}`, pooled, "hidden");
        }
        const hidden = activated(net, "norm", net.dense("dense", net.flatten(x), { units: hiddenUnits }));
        return net.dense("logits", net.site("hidden", hidden, "hidden"), { units: mnistClasses });
      },
      loss: softmaxCrossEntropy,
      metrics: (outputs, targets) => ({ error: classificationError(outputs, targets) }),
      close: () => undefined,
    };
  },
};
