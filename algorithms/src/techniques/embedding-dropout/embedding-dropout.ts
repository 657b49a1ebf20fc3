/**
 * Embedding dropout: whole rows of an embedding's table are dropped with one rate for a whole step, so that every occurrence of a word is
 * gone from the batch; the other rows are divided by 1 - rate. A row's response to hyperparameters is dropped with it.
 * Source: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", NIPS 2016, section 4.2; Merity
 * et al., "Regularizing and optimizing LSTM language models", ICLR 2018, section 4.3.
 */
import { assert } from "@regulus/proto";
import type { TechniqueModule } from "../../training/contracts/technique.js";
import { dropMask } from "../../training/techniques/drop-mask.js";
import { type EmbeddingDropoutOptions, spec } from "./spec.js";

export const module: TechniqueModule<EmbeddingDropoutOptions> = {
  spec,
  create: () => ({
    mask({ name, kind, shape }, context) {
      const rates = context.values("embeddingDropout");
      assert(rates.length === 1, "embeddingDropout is shared in a batch, since it acts on a table");
      if (kind !== "embedding" || rates[0] === 0) return undefined;
      return dropMask(shape, rates, context.rng.fork(name));
    },
  }),
};
