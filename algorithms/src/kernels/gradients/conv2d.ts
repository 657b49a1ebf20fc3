/**
 * The gradient of conv2d's filter gradient, which tfjs lacks, so that convolutions have second derivatives. With a loss L and the filter
 * gradient W(x, dy), which is linear in each: by x it is the input gradient for dy with ddw as filter, by dy the convolution of x with ddw.
 */
import type { GradConfig } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { one } from "./parts.js";

export const conv2dBackpropFilterGradient: GradConfig = {
  kernelName: "Conv2DBackpropFilter",
  inputsToSave: ["x", "dy"],
  gradFunc: (ddw, [image, output], attrs) => {
    const [x, dy, filter] = [one(image), one(output), one(ddw)];
    const { filterShape: _, ...convolution } = attrs;
    return {
      x: () => tf.engine().runKernel<tf.Tensor>("Conv2DBackpropInput", { dy, filter }, { ...convolution, inputShape: x.shape }),
      dy: () => tf.engine().runKernel<tf.Tensor>("Conv2D", { x, filter }, { ...convolution, dilations: 1 }),
    };
  },
};
