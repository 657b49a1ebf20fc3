/** Cross entropy of the softmax of the outputs. */
import { softmaxCrossEntropy } from "../../kernels/index.js";
import type { LossHeadModule } from "../../training/contracts/loss-head.js";
import { meanOverPlaces } from "../../training/network/losses.js";
import { classesOf } from "../../training/techniques/class-targets.js";
import { type SoftmaxCrossEntropySettings, spec } from "./spec.js";

export const module: LossHeadModule<SoftmaxCrossEntropySettings> = {
  spec,
  create: () => ({
    losses(outputs, targets) {
      classesOf(targets, spec.name);
      return meanOverPlaces(softmaxCrossEntropy(outputs, targets));
    },
  }),
};
