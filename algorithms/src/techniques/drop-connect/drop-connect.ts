/**
 * DropConnect on recurrent kernels: each of their weights is dropped with one rate for a whole step, the same ones at all times, and what
 * stays is divided by 1 - rate. A weight's response to hyperparameters is dropped with it.
 * Source: Wan et al., "Regularization of neural networks using DropConnect", ICML 2013, section 3; Merity et al., "Regularizing and optimizing
 * LSTM language models", ICLR 2018, section 2.
 */
import { assert } from "@regulus/proto";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { dropMask } from "../../training/techniques/drop-mask.js";
import { type DropConnectOptions, spec } from "./spec.js";

export const module: TechniqueModule<DropConnectOptions> = {
  spec,
  create: () => ({
    mask({ name, kind, shape }, context) {
      const rates = context.values("dropConnect");
      assert(rates.length === 1, "dropConnect is shared in a batch, since it acts on weights");
      if (kind !== "recurrent" || rates[0] === 0) return undefined;
      return dropMask(shape, rates, context.rng.fork(name));
    },
  }),
};
