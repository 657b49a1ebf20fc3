/**
 * Locked (variational) dropout: at a site of sequences each unit of an example is dropped with that example's rate for the whole sequence, so
 * that the mask adds no noise over time; what stays is divided by 1 - rate. Sites without a time axis are left alone.
 * Source: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", NIPS 2016, section 4; the split
 * into input, hidden and output rates is that of Merity et al., "Regularizing and optimizing LSTM language models", ICLR 2018, section 4.2.
 */
import * as tf from "@tensorflow/tfjs";
import type { SiteKind, TechniqueModule } from "../../training/contracts/technique.js";
import { dropMask } from "../../training/techniques/drop-mask.js";
import { type LockedDropoutOptions, spec } from "./spec.js";

const rateOf: Readonly<Record<SiteKind, string>> = {
  input: "lockedInputDropout",
  hidden: "lockedHiddenDropout",
  output: "lockedOutputDropout",
};

export const module: TechniqueModule<LockedDropoutOptions> = {
  spec,
  create: () => ({
    site(x, { name, kind }, context) {
      const rates = context.values(rateOf[kind]);
      if (x.rank !== 3 || rates.every((rate) => rate === 0)) return x;
      const shape = [context.batchSize, 1, x.shape[2] ?? 0];
      return tf.mul(
        x,
        context.once(name, () => dropMask(shape, rates, context.rng.fork(name))),
      );
    },
  }),
};
