/**
 * Inverted dropout: at a site each number of an example is dropped with that example's rate, and what stays is divided by 1 - rate, so that
 * the mean is unchanged and nothing is done when measuring.
 * Source: Srivastava et al., "Dropout", JMLR 15 (2014), section 10 (scaling at training time).
 */
import * as tf from "@tensorflow/tfjs";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { dropMask } from "../../training/techniques/drop-mask.js";
import { type DropoutOptions, spec } from "./spec.js";

export const module: TechniqueModule<DropoutOptions> = {
  spec,
  create: () => ({
    site(x, { name, kind }, context) {
      const rates = context.values(kind === "input" ? "inputDropout" : "hiddenDropout");
      if (rates.every((rate) => rate === 0)) return x;
      return tf.mul(
        x,
        context.once(name, () => dropMask(x.shape, rates, context.rng.fork(name))),
      );
    },
  }),
};
